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
		t.Errorf("got %d bytes with room for %d, want those that it was made of", len(got), cap(got))
	}
	runtime.KeepAlive(b)

	runtime.GC()
	if len(p.Value()) != 3000 {
		t.Error("its own result does not keep the bytes")
	}
	runtime.KeepAlive(got)

	runtime.GC()
	if p.Value() != nil {
		t.Error("it keeps the bytes itself")
	}
}

func TestNoBytes(t *testing.T) {
	for name, p := range map[string]Pointer{"zero": {}, "nil": Make(nil), "empty": Make([]byte{})} {
		if got := p.Value(); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
