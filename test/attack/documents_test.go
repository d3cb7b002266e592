package attack_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/yroom/yroom/internal/testkit"
)

// largeDocument writes a document of 64 MiB.
func largeDocument(ctx context.Context, a *attacker) { a.seed(ctx, "large", mebibytes(64)...) }

// documentOfTypes writes a document of a million types in 8 MB.
func documentOfTypes(ctx context.Context, a *attacker) {
	var updates [][]byte
	for client := range uint64(40) {
		updates = append(updates, types(client+1, 25_000))
	}
	a.seed(ctx, "export", updates...)
}

// eventDocument writes a document of 16 MiB.
func eventDocument(ctx context.Context, a *attacker) { a.seed(ctx, "events", mebibytes(16)...) }

// texts returns a text of 8 MiB.
var texts = sync.OnceValue(func() string { return string(bytes.Repeat([]byte("lorem ipsum dolor sit "), 8<<20/22)) })

// mebibytes returns updates of clients that paste texts, of n MiB in all.
func mebibytes(n int) (updates [][]byte) {
	for i := range n / 8 {
		updates = append(updates, testkit.TypedIn(fmt.Sprint("text", i), uint64(i)+1, 0, texts()))
	}
	return updates
}
