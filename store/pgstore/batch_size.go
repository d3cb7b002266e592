package pgstore

import "sync"

// A batch is one statement. These constants bound what the server has to hold for it. An
// entry of more than maxBatchBytes is written alone.
const (
	maxBatch      = 1000     // requests
	maxBatchBytes = 4 << 20  // of requests
	largeAppend   = 32 << 20 // of an entry; it may take as long as a whole document
	minBatch      = 10
	batchGrowth   = 10
)

// batchSize is how many requests a batch may have. It is smaller after timeouts, so that
// a slow database, or a room that stays locked, delays fewer rooms.
type batchSize struct {
	mu    sync.Mutex
	fewer int // the difference to maxBatch
}

func (b *batchSize) most() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maxBatch - b.fewer
}

// timedOut is called after a batch that took too long.
func (b *batchSize) timedOut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fewer = maxBatch - max(minBatch, (maxBatch-b.fewer)/4)
}

// written is called after a batch that was written.
func (b *batchSize) written() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fewer = max(0, b.fewer-batchGrowth)
}
