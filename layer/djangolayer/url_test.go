package djangolayer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("new key\r\n\nold key"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := parse("django+rediss://user:p%40ss@a,b:7/3?type=pubsub&prefix=notes&capacity=7&expiry=9&keys="+keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.hosts) != 2 || !a.pubsub || a.prefix != "notes" || a.capacity != 7 || a.expiry != 9*time.Second {
		t.Errorf("%+v", a)
	}
	if diff := cmp.Diff([]string{"new key", "old key"}, a.keys); diff != "" {
		t.Error(diff)
	}
	for i, address := range []string{"a:6379", "b:7"} {
		h := a.hosts[i]
		if diff := cmp.Diff([]string{address}, h.InitAddress); diff != "" || h.Username != "user" || h.Password != "p@ss" || h.SelectDB != 3 || h.TLSConfig == nil {
			t.Errorf("host %d: %+v", i, h)
		}
	}
	a, err = parse("django+redis-sentinel://a,b/mymaster?sentinel-password=x", nil)
	if err != nil {
		t.Fatal(err)
	}
	h := a.hosts[0]
	if diff := cmp.Diff([]string{"a:26379", "b:26379"}, h.InitAddress); diff != "" || len(a.hosts) != 1 || h.Sentinel.MasterSet != "mymaster" || h.Sentinel.Password != "x" {
		t.Errorf("%+v", a)
	}
	if a.pubsub || a.prefix != "asgi" || a.capacity != 100 || a.expiry != time.Minute || a.keys != nil || h.TLSConfig != nil {
		t.Errorf("the defaults are %+v", a)
	}
}

func TestParseRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for address, words := range map[string]string{
		"redis://u:sesame@a":                             "none of the schemes",
		"django+nats://u:sesame@a":                       "none of the schemes",
		"django+redis://":                                "not a valid URL",
		"django+redis://u:sesame@a?type=list":            "no channel layer of channels_redis",
		"django+redis://u:sesame@a?capacity=0":           `capacity="0", which is not`,
		"django+redis://u:sesame@a?capacity=many":        `capacity="many", which is not`,
		"django+redis://u:sesame@a?expiry=1m":            `expiry="1m", which is not`,
		"django+redis://u:sesame@a/first":                "the database",
		"django+redis://u:sesame@a/-1":                   "the database",
		"django+redis://u:sesame@a?keys=none":            "can't be read",
		"django+redis://u:sesame@a?keys=" + empty:        "has no key",
		"django+redis://u:sesame@a?group_expiry=1":       "unknown parameter",
		"django+redis-sentinel://u:sesame@a":             "names no master",
		"django+redis://u:sesame@a?sentinel-password=se": "unknown parameter",
	} {
		_, err := parse(address, nil)
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, want %q", address, err, words)
		}
	}
}
