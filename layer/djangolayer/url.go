package djangolayer

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/yroom/yroom/layer/internal/busurl"
)

// address is a parsed address of a layer.
type address struct {
	hosts    []rueidis.ClientOption
	pubsub   bool
	prefix   string // of all keys and channels
	capacity int
	expiry   time.Duration
	keys     []string
}

const answerTime = 2 * time.Second // how long Redis may take to answer

// parse parses an address.
func parse(url string, secure *tls.Config) (a address, err error) {
	url, found := strings.CutPrefix(url, "django+")
	scheme, _, _ := strings.Cut(url, "://")
	sentinel := scheme == "redis-sentinel" || scheme == "rediss-sentinel"
	if !found || !sentinel && scheme != "redis" && scheme != "rediss" {
		return a, errors.New("the scheme of the address is none of django+redis, django+rediss, django+redis-sentinel, django+rediss-sentinel")
	}
	port, parameters := "6379", []string{"type", "capacity", "expiry", "keys"}
	if sentinel {
		port, parameters = "26379", append(parameters, "sentinel-user", "sentinel-password")
	}
	u, err := busurl.Parse(url, port, parameters...)
	if err != nil {
		return a, err
	}
	if a.prefix = "asgi"; u.Query.Has("prefix") {
		a.prefix = u.Prefix
	}
	switch typ := u.Query.Get("type"); typ {
	case "", "core":
	case "pubsub":
		a.pubsub = true
	default:
		return a, fmt.Errorf("the type %.20q in the address is neither core nor pubsub", typ)
	}
	capacity, err := strconv.Atoi(cmp.Or(u.Query.Get("capacity"), "100"))
	if err != nil || capacity < 1 {
		return a, errors.New("the capacity in the address is not a number of messages")
	}
	expiry, err := strconv.Atoi(cmp.Or(u.Query.Get("expiry"), "60"))
	if err != nil || expiry < 1 {
		return a, errors.New("the expiry in the address is not a number of seconds")
	}
	a.capacity, a.expiry = capacity, time.Duration(expiry)*time.Second
	if file := u.Query.Get("keys"); file != "" {
		if a.keys, err = readKeys(file); err != nil {
			return a, err
		}
	}
	a.hosts, err = options(u, sentinel, secure)
	return a, err
}

// options returns the options of the client for each host.
func options(u *busurl.URL, sentinel bool, secure *tls.Config) (all []rueidis.ClientOption, err error) {
	base := rueidis.ClientOption{
		Username:   u.User.Username(),
		Password:   u.Password(),
		ClientName: "yroom",

		PipelineMultiplex: -1, // what is sent to a channel stays in order
		DisableRetry:      true,
		DisableCache:      true,
		ForceSingleClient: !sentinel,

		Dialer:           net.Dialer{Timeout: answerTime, KeepAlive: answerTime},
		ConnWriteTimeout: answerTime,
	}
	if strings.HasPrefix(u.Scheme, "rediss") {
		base.TLSConfig = cmp.Or(secure, &tls.Config{MinVersion: tls.VersionTLS12})
	}
	if sentinel {
		if u.Path == "" {
			return nil, errors.New("the address doesn't name the master, as in django+redis-sentinel://host:26379/mymaster")
		}
		base.InitAddress = u.Hosts
		base.Sentinel = rueidis.SentinelOption{
			MasterSet: u.Path, TLSConfig: base.TLSConfig, Dialer: base.Dialer, ClientName: base.ClientName,
			Username: u.Query.Get("sentinel-user"), Password: u.Query.Get("sentinel-password"),
		}
		return []rueidis.ClientOption{base}, nil
	}
	if u.Path != "" {
		if base.SelectDB, err = strconv.Atoi(u.Path); err != nil || base.SelectDB < 0 {
			return nil, fmt.Errorf("the database %.20q in the address is not a number", u.Path)
		}
	}
	for _, host := range u.Hosts {
		one := base
		one.InitAddress = []string{host}
		all = append(all, one)
	}
	return all, nil
}

// readKeys reads the symmetric_encryption_keys of CHANNEL_LAYERS from a file with one in each
// line. Errors don't quote them.
func readKeys(file string) (keys []string, err error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if key := strings.TrimRight(line, "\r\n"); key != "" {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the file %s has no key: write one into each line, as in symmetric_encryption_keys", file)
	}
	return keys, nil
}
