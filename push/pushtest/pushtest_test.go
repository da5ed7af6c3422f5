package pushtest_test

import (
	"testing"

	"todoku/push/pushtest"
)

type (
	ev  = pushtest.Event
	res = pushtest.Response
	str = pushtest.Stream
)

func truth() []ev {
	return []ev{{1, 0}, {3, 0}, {3, 1}, {4, 0}, {7, 0}}
}

func good() []str {
	return []str{
		{Resume: 0, Responses: []res{
			{Number: 1, Previous: 0, Cursor: 0},
			{Number: 2, Previous: 0, Cursor: 2, Events: []ev{{1, 0}}},
			{Number: 3, Previous: 2, Cursor: 2, Fragment: true, Events: []ev{{3, 0}}},
		}},
		{Resume: 2, Responses: []res{
			{Number: 1, Previous: 2, Cursor: 2, Fragment: true, Events: []ev{{3, 0}}},
			{Number: 2, Previous: 2, Cursor: 4, Events: []ev{{3, 1}, {4, 0}}},
			{Number: 3, Previous: 4, Cursor: 6},
		}},
		{Resume: 6, Responses: []res{{Number: 1, Previous: 6, Cursor: 9, Events: []ev{{7, 0}}}}},
	}
}

func TestASoundRecordPasses(t *testing.T) {
	if v := pushtest.CheckAll(truth(), good(), 9); len(v) > 0 {
		t.Fatal(v)
	}
}

func TestEachBrokenGuaranteeIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		want pushtest.Guarantee
		harm func(s []str)
	}{
		"swapped": {pushtest.Ordered, func(s []str) { e := s[1].Responses[1].Events; e[0], e[1] = e[1], e[0] }},
		"doubled": {pushtest.Unique, func(s []str) { r := &s[2].Responses[0]; r.Events = append(r.Events, ev{7, 0}) }},
		"torn":    {pushtest.Atomic, func(s []str) { s[1].Responses[0].Events = nil }},
		"gap": {pushtest.Reliable, func(s []str) {
			s[0].Responses[1].Events = nil
			s[0].Responses[1].Cursor = 3
			s[0].Responses = s[0].Responses[:2]
			s[0].Responses[1].Events = []ev{{3, 0}, {3, 1}}
			s[1].Resume = 3
		}},
		"not mine":                {pushtest.Reliable, func(s []str) { r := &s[2].Responses[0]; r.Events = append(r.Events, ev{8, 0}) }},
		"resumed elsewhere":       {pushtest.Resumable, func(s []str) { s[2].Resume = 7 }},
		"replayed too much":       {pushtest.Resumable, func(s []str) { s[2].Responses[0].Events = []ev{{4, 0}, {7, 0}} }},
		"cursor ahead":            {pushtest.Bookmarkable, func(s []str) { s[1].Responses[2].Cursor = 7 }},
		"cursor behind":           {pushtest.Bookmarkable, func(s []str) { s[2].Responses[0].Cursor = 6 }},
		"cursor falls":            {pushtest.Bookmarkable, func(s []str) { s[1].Responses[2].Cursor = 3 }},
		"number skipped":          {pushtest.Chained, func(s []str) { s[1].Responses[2].Number = 4 }},
		"previous does not match": {pushtest.Chained, func(s []str) { s[1].Responses[2].Previous = 3 }},
	} {
		t.Run(name, func(t *testing.T) {
			streams := good()
			c.harm(streams)
			for _, v := range pushtest.CheckAll(truth(), streams, 9) {
				if v.Guarantee == c.want {
					return
				}
			}
			t.Fatalf("nobody noticed; got %v", pushtest.Check(truth(), streams))
		})
	}
}

func TestHalfASnapshotLeavesTheClientWithWhatItHad(t *testing.T) {
	streams := good()
	half := str{Resume: 0, Snapshot: true, Fresh: true, Responses: []res{{Number: 1}, {Number: 2, Fragment: true}}}
	streams = []str{half, streams[0], half, streams[1], streams[2], half}
	if v := pushtest.CheckAll(truth(), streams, 9); len(v) > 0 {
		t.Fatal(v)
	}
	streams[2].Responses = []res{{Number: 1, Events: []ev{{4, 0}}}, {Number: 3}}
	if v := pushtest.CheckAll(truth(), streams, 9); len(v) != 2 || v[0].Guarantee != pushtest.Chained {
		t.Fatal(v)
	}
}

func TestAStreamMayHaveATruthOfItsOwn(t *testing.T) {
	streams := good()
	streams[1].Truth = []ev{{3, 0}, {3, 1}}
	streams[1].Responses[1].Events = []ev{{3, 1}}
	if v := pushtest.CheckAll(truth(), streams, 9); len(v) > 0 {
		t.Fatal(v)
	}
	streams[1].Truth = truth()
	if v := pushtest.CheckAll(truth(), streams, 9); len(v) == 0 {
		t.Fatal("nobody noticed")
	}
}

func TestAStreamThatLostItsConnectionCarriesNothingNew(t *testing.T) {
	streams := good()
	streams[2].Head = 7
	streams[1].Lost = []res{{Number: 4, Previous: 6, Cursor: 7, Events: []ev{{7, 0}}}}
	if v := pushtest.CheckAll(truth(), streams, 9); len(v) > 0 {
		t.Fatal(v)
	}
	streams[2].Head = 6
	if v := pushtest.CheckAll(truth(), streams, 9); len(v) != 1 || v[0].Guarantee != pushtest.Unique {
		t.Fatal(v)
	}
}

func TestAnUnfinishedRecordIsNoticed(t *testing.T) {
	if v := pushtest.CheckAll(truth(), good()[:2], 9); len(v) != 1 || v[0].Guarantee != pushtest.Reliable {
		t.Fatal(v)
	}
}
