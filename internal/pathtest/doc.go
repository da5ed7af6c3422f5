// Package pathtest puts what stands between clients and venues into tests: boxes at
// the level of TCP written here ([Box]), nginx and HAProxy in throwaway processes
// ([Nginx], [HAProxy]), and hosts and a router in network namespaces of their own
// ([NewNetwork]), on which packets can be lost.
//
// Everything ends with its test, also with one that fails, and nothing that a test
// did not start is touched. What the machine lacks is named and the test is
// skipped; with CI=true a skip is a failure.
package pathtest
