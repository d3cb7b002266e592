package weakbytes

import (
	"bytes"
	"runtime"
	"testing"
)

func TestPointer(t *testing.T) {
	b := bytes.Repeat([]byte("abc"), 1000)
	p := Make(b)
	runtime.GC()
	got := p.Value()
	if !bytes.Equal(got, b) || &got[0] != &b[0] || cap(got) != len(b) {
		t.Errorf("got %d bytes with capacity %d, want the original ones", len(got), cap(got))
	}
	runtime.KeepAlive(b)

	runtime.GC()
	if len(p.Value()) != 3000 {
		t.Error("the result of Value does not keep the bytes in memory")
	}
	runtime.KeepAlive(got)

	runtime.GC()
	if p.Value() != nil {
		t.Error("the Pointer keeps the bytes in memory")
	}
}

func TestNoBytes(t *testing.T) {
	for name, p := range map[string]Pointer{"zero": {}, "nil": Make(nil), "empty": Make([]byte{})} {
		if got := p.Value(); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
