package peers_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// commit is the name under which a table has the time that a commit takes on the disk of
// the temporary folder.
const commit = "commit"

// commitTime returns the milliseconds that it takes to append 4 KiB to a file and let the
// disk keep it: the 99th percentile.
func commitTime(b *testing.B) float64 {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "commits"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	taken := make([]time.Duration, 100)
	for i := range taken {
		began := time.Now()
		if _, err := file.Write(make([]byte, 4<<10)); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
		taken[i] = time.Since(began)
	}
	slices.Sort(taken)
	return float64(taken[len(taken)*99/100]) / float64(time.Millisecond)
}
