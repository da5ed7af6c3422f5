// Package door is the sockets of a server: the two ports with their TLS settings
// ([Listen]), the limit on connections ([Limiter]), and why a client disconnected
// ([DisconnectCause]). It is independent of users and services.
package door
