package yroom_test

import (
	"os"
	"testing"
	"math/rand/v2"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/yjs"
)

func BenchmarkZZEdit(b *testing.B) {
	full, _ := os.ReadFile("/tmp/bm/b4.v1")
	s, err := yroom.New(yroom.Config{})
	if err != nil { b.Fatal(err) }
	d := s.Document("x")
	if err := d.Apply(b.Context(), full, yroom.V1); err != nil { b.Fatal(err) }
	b.ReportAllocs()
	for b.Loop() {
		err := d.Edit(b.Context(), func(doc *yjs.Doc) error {
			t, err := doc.Text("text")
			if err != nil { return err }
			return t.Insert(rand.IntN(100000), "x", nil)
		})
		if err != nil { b.Fatal(err) }
	}
}
