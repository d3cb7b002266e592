package testkit

import (
	"strconv"
	"sync/atomic"
)

var uniques atomic.Uint64

// Unique returns a name that is not used twice in a process.
func Unique(prefix string) string {
	return prefix + "-" + strconv.FormatUint(uniques.Add(1), 10)
}
