package buslayer

import (
	"testing"
	"time"
)

func TestStrays(t *testing.T) {
	for _, c := range []struct {
		name     string
		interval time.Duration // between two strays
		ends     time.Duration
		want     int // how often they are noticed within two minutes
	}{
		{"none", time.Hour, 0, 0},
		{"while a worker comes", time.Second / 10, 5 * time.Second, 0},
		{"always", 3 * time.Second, time.Hour, 1},
		{"a few now and then", 11 * time.Second, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s strays
			began := time.Unix(1000, 0)
			total, noticed := uint64(0), 0
			for d := time.Duration(0); d < 2*time.Minute; d += 50 * time.Millisecond {
				if d < c.ends && d%c.interval == 0 {
					total++
				}
				if s.notice(began.Add(d), total) {
					noticed++
				}
			}
			if noticed != c.want {
				t.Errorf("noticed %d times, want %d", noticed, c.want)
			}
		})
	}
}
