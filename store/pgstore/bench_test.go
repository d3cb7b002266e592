package pgstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
)

// Appends of a keystroke by many rooms at once.
func BenchmarkAppend(b *testing.B) {
	server := postgres.Start(b)
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit} {
		for _, rooms := range []int{1, 20, 500} {
			b.Run(fmt.Sprintf("%s/%d rooms", level, rooms), func(b *testing.B) {
				s := open(b, server.URL(server.Create(b)), at(level))
				var number atomic.Int64
				b.SetParallelism((rooms + 1) / 2)
				b.RunParallel(func(pb *testing.PB) {
					room := fmt.Sprintf("room%d", number.Add(1)%int64(rooms))
					for pb.Next() {
						if _, err := s.Append(b.Context(), room, store.Entry{Encoding: store.V1, Data: make([]byte, 40)}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}
