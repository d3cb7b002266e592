package load

import (
	"fmt"
	"sync/atomic"
	"time"
)

// times has the times at which a client has sent things, by their numbers. The zero value
// is empty.
type times struct {
	pages [mostPages]atomic.Pointer[[pageSize]atomic.Int64]
}

const (
	pageSize  = 1 << 10
	mostPages = 1 << 12
)

// set notes when something was sent.
func (t *times) set(number int64, at time.Duration) error {
	if number >= mostPages*pageSize {
		return fmt.Errorf("one client has sent %d times, which is as much as can be measured: shorten the --span", number)
	}
	page := t.pages[number/pageSize].Load()
	if page == nil {
		page = new([pageSize]atomic.Int64)
		t.pages[number/pageSize].Store(page)
	}
	page[number%pageSize].Store(int64(at))
	return nil
}

// at returns when something was sent.
func (t *times) at(number int64) time.Duration {
	return time.Duration(t.pages[number/pageSize].Load()[number%pageSize].Load())
}
