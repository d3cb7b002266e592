package memlayer

import (
	"testing"

	"github.com/yroom/yroom/layer"
)

func TestNothingIsKeptOfAClosedPort(t *testing.T) {
	l := New()
	for range 2 {
		p, err := l.Attach(func([]layer.Output) {})
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range []string{"a", "b"} {
			if err := p.Join(room); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Leave("a"); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.ports) > 0 || len(l.joined) > 0 {
		t.Errorf("%d ports and %d rooms are kept", len(l.ports), len(l.joined))
	}
}
