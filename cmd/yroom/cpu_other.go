//go:build !unix

package main

import "time"

// cpuTime returns 0: how much CPU time the process has taken isn't known.
func cpuTime() time.Duration { return 0 }
