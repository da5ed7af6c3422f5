// Package pathtest gives tests the path between clients and venues: boxes that
// forward TCP ([Box]), nginx and HAProxy in processes of their own ([Nginx], [HAProxy]),
// and hosts and a router in network namespaces ([NewNetwork]), which can lose packets.
//
// Everything ends with its test, also if the test fails, and only what a test started is
// touched. If the machine lacks a program or a right, the test is skipped and names it; with
// CI=true a skip is a failure.
package pathtest
