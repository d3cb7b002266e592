package busurl_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/layer/internal/busurl"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		address string
		want    busurl.URL
		user    string
		pass    string
	}{
		{"redis://host", busurl.URL{Scheme: "redis", Hosts: []string{"host:1"}, Prefix: "yroom"}, "", ""},
		{"redis://:p%40:%2F@host:7/3?prefix=a-B_9", busurl.URL{Scheme: "redis", Hosts: []string{"host:7"}, Path: "3", Prefix: "a-B_9"}, "", "p@:/"},
		{"nats://u:p@a:5,b,[::1]:6", busurl.URL{Scheme: "nats", Hosts: []string{"a:5", "b:1", "[::1]:6"}, Prefix: "yroom"}, "u", "p"},
		{"redis://host/?known=x", busurl.URL{Scheme: "redis", Hosts: []string{"host:1"}, Prefix: "yroom"}, "", ""},
	} {
		u, err := busurl.Parse(c.address, "1", "known")
		if err != nil {
			t.Errorf("%s: %v", c.address, err)
			continue
		}
		if got := u.User.Username(); got != c.user || u.Password() != c.pass {
			t.Errorf("%s: user %q, password %q", c.address, got, u.Password())
		}
		u.User, u.Query = nil, nil
		if diff := cmp.Diff(c.want, *u, cmp.AllowUnexported(url.Userinfo{})); diff != "" {
			t.Errorf("%s: %s", c.address, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for address, words := range map[string]string{
		"host:6379":                                            "no scheme",
		"redis://":                                             "not a valid URL",
		"redis://u:12?sesame@a":                                "not a valid URL",
		"redis://u:12/sesame@a":                                "not a valid URL",
		"redis://u:1@2/sesame@a":                               "not a valid URL",
		"nats://u:sesame@a,u:sesame@b":                         "not a valid URL",
		"redis://:sesame@":                                     "not a valid URL",
		"redis://u:sesame@a:b":                                 "not a valid URL",
		"redis://u:sesame%zz@a":                                "not a valid URL",
		"redis://u:ses#ame@a":                                  "not a valid URL",
		"redis://a:1,,b:2":                                     "not a valid URL",
		"redis://u:sesame@a?prefix=":                           "prefix",
		"redis://u:sesame@a?prefix=a.b":                        "prefix",
		"redis://u:sesame@a?prefix=a%20b":                      "prefix",
		"redis://u:sesame@a?Prefix=a":                          "unknown parameter",
		"redis://u:sesame@a/?prefix=%zz":                       "not a valid URL",
		"redis://u:sesame@[::1:1":                              "not a valid URL",
		"redis://u:sesame@a?prefix=" + strings.Repeat("a", 65): "prefix",
	} {
		_, err := busurl.Parse(address, "1")
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "ses") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
