package pgstore

import "testing"

func TestBatchSize(t *testing.T) {
	var b batchSize
	for i, want := range []int{1000, 250, 62, 15, 10, 10} {
		if got := b.most(); got != want {
			t.Errorf("after %d timeouts: %d, want %d", i, got, want)
		}
		b.timedOut()
	}
	b.written()
	if got := b.most(); got != 20 {
		t.Errorf("after a batch: %d, want 20", got)
	}
	for range 200 {
		b.written()
	}
	if got := b.most(); got != maxBatch {
		t.Errorf("after many batches: %d, want %d", got, maxBatch)
	}
}
