package loopback_test

import (
	"testing"

	"github.com/yroom/yroom/internal/loopback"
)

func TestIs(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:5173": true, "app.localhost:1": true, "127.0.0.2:80": true, "[::1]:80": true, "::1": true, "[::ffff:127.0.0.1]": true,
		"": false, "localhost.example": false, "mylocalhost": false, "10.0.0.1": false, "[fd00::1]:80": false, "127.0.0.1.example": false,
	} {
		if got := loopback.Is(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
