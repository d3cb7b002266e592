//go:build !unix

package main

import "time"

// processorTime returns 0: how much processor time the process has taken isn't known.
func processorTime() time.Duration { return 0 }
