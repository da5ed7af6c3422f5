package server

import "golang.org/x/sys/unix"

// freeBytes returns the free space on the file system of a directory; -1 if it is
// unknown.
func freeBytes(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * s.Bsize
}
