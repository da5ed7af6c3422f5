# Every command of the project; `make help` lists them. Continuous integration
# (.ci/run) uses the same words. Tools are pinned under tools/, one module
# each, built once into .tools/ and again only when their pin changes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

GENERATORS := .tools/protoc-gen-go .tools/protoc-gen-go-grpc .tools/protoc-gen-connect-go
step := @.ci/step

.PHONY: help build run test fuzz bench soak verify deps proto fmt clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: web/dist/index.html ## Build the screens and bin/todoku, which holds them
	CGO_ENABLED=0 go build -trimpath -o bin/todoku ./cmd/todoku

run: build ## Build, then serve a demo venue with traders in it
	bin/todoku serve --demo

test: ## Run every test under the race detector, then each fuzz target briefly
	@.ci/deps
	$(step) "tests" .ci/test
	$(step) "long tests, whole without the race detector" go test -count=1 ./engine ./sqlite
	$(step) "a drain, whole without the race detector" go test -count=1 -run TestADrainUnderLoadLosesNothing ./internal/apptest
	@$(MAKE) build
	$(step) "screens" .ci/screens test
	@$(MAKE) fuzz

fuzz: ## Run each fuzz target briefly (FUZZTIME=30s for longer)
	$(step) "fuzz targets" .ci/fuzz

bench: build ## Run the short benchmarks (BENCHTIME=5s, BENCHDURATION=30s for longer)
	go test -p 1 -run '^$$' -bench . -benchtime $${BENCHTIME:-200ms} -benchmem $$(grep -rl 'func Benchmark' --include='*_test.go' . | xargs -n 1 dirname | sort -u)
	bin/todoku bench orders --client light --duration $${BENCHDURATION:-5s}
	bin/todoku bench orders --client light --batch 100 --in-flight 4 --duration $${BENCHDURATION:-5s}
	bin/todoku bench orders --mode report --duration $${BENCHDURATION:-5s}
	bin/todoku bench push --yardstick --duration $${BENCHDURATION:-5s}
	bin/todoku bench push --yardstick --rate 200 --duration $${BENCHDURATION:-5s}
	bin/todoku bench storm --yardstick
	$(step) "the screen, busy" .ci/screens bench

soak: build ## Run the crash and fault tests at full length, one package after the other (hours)
	TODOKU_SOAK=1 go test -race -count=1 -p 1 -timeout=12h -v ./...
	TODOKU_SOAK=1 npm --prefix desktop run test:e2e -- busy

verify: .tools/golangci-lint .tools/buf .tools/govulncheck $(GENERATORS) desktop/node_modules/.package-lock.json ## Check schema, generated code, lint, architecture, documents, modules
	$(step) "modules are as recorded" go mod verify
	$(step) "go.mod is tidy" go mod tidy -diff
	$(step) "schema and generated code" .ci/schema
	$(step) "lint" .tools/golangci-lint run
	$(step) "screens: lint, types, generated code" .ci/screens verify
	$(step) "architecture and documents" go test ./internal/repotest
	$(step) "known vulnerabilities" .ci/vulnerabilities

deps: ## Install the programs the tests need (apt, as root or with sudo)
	@.ci/deps --install

proto: .tools/buf $(GENERATORS) desktop/node_modules/.package-lock.json ## Generate gen/ and desktop/src/gen/ from the schema
	.tools/buf generate
	.tools/buf generate --template desktop/buf.gen.yaml

fmt: .tools/golangci-lint .tools/buf ## Format Go and schema files
	.tools/golangci-lint fmt
	.tools/buf format -w

clean: ## Remove what was built, the tools included
	rm -rf bin .tools desktop/node_modules desktop/out tools/electron-builder/node_modules
	find web/dist -mindepth 1 -not -name .keep -delete

desktop/node_modules/.package-lock.json: desktop/package-lock.json
	$(step) "install what the screens are made of" npm --prefix desktop ci --loglevel=error
	@touch $@
web/dist/index.html: desktop/node_modules/.package-lock.json desktop/vite.config.ts $(shell find desktop/src -type f -not -name '*.test.ts*')
	$(step) "build the screens" npm --prefix desktop run --silent build:web

.tools/golangci-lint: tools/golangci-lint/go.mod
	$(step) "build $(@F)" go -C tools/golangci-lint build -buildvcs=false -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
.tools/buf: tools/buf/go.mod
	$(step) "build $(@F)" go -C tools/buf build -buildvcs=false -o $(CURDIR)/$@ github.com/bufbuild/buf/cmd/buf
.tools/govulncheck: tools/govulncheck/go.mod
	$(step) "build $(@F)" go -C tools/govulncheck build -buildvcs=false -o $(CURDIR)/$@ golang.org/x/vuln/cmd/govulncheck
.tools/protoc-gen-go: tools/protoc-gen/go.mod
	$(step) "build $(@F)" go -C tools/protoc-gen build -buildvcs=false -o $(CURDIR)/$@ google.golang.org/protobuf/cmd/protoc-gen-go
.tools/protoc-gen-go-grpc: tools/protoc-gen/go.mod
	$(step) "build $(@F)" go -C tools/protoc-gen build -buildvcs=false -o $(CURDIR)/$@ google.golang.org/grpc/cmd/protoc-gen-go-grpc
.tools/protoc-gen-connect-go: tools/protoc-gen/go.mod
	$(step) "build $(@F)" go -C tools/protoc-gen build -buildvcs=false -o $(CURDIR)/$@ connectrpc.com/connect/cmd/protoc-gen-connect-go
