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
		return a, errors.New("the address begins with none of the schemes of this layer: write django+redis://, django+rediss://, django+redis-sentinel:// or django+rediss-sentinel:// before the host")
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
		return a, fmt.Errorf("the address has type=%.20q, which is no channel layer of channels_redis: set type=core for RedisChannelLayer, type=pubsub for RedisPubSubChannelLayer", typ)
	}
	capacity, err := strconv.Atoi(cmp.Or(u.Query.Get("capacity"), "100"))
	if err != nil || capacity < 1 {
		return a, fmt.Errorf("the address has capacity=%.20q, which is not a number of messages: set a whole number from 1 on, as in CHANNEL_LAYERS", u.Query.Get("capacity"))
	}
	expiry, err := strconv.Atoi(cmp.Or(u.Query.Get("expiry"), "60"))
	if err != nil || expiry < 1 {
		return a, fmt.Errorf("the address has expiry=%.20q, which is not a number of seconds: set a whole number from 1 on, as in CHANNEL_LAYERS", u.Query.Get("expiry"))
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

		// The goroutine that makes a call writes and reads by itself. To share a connection, calls
		// would pass two other goroutines, which costs more than a further connection.
		DisableAutoPipelining: true,
		BlockingPoolCleanup:   time.Minute, // before most servers close connections that nothing uses
		DisableRetry:          true,
		DisableCache:          true,
		ForceSingleClient:     !sentinel,

		Dialer:           net.Dialer{Timeout: answerTime, KeepAlive: answerTime},
		ConnWriteTimeout: answerTime,
	}
	if strings.HasPrefix(u.Scheme, "rediss") {
		base.TLSConfig = cmp.Or(secure, &tls.Config{MinVersion: tls.VersionTLS12})
	}
	if sentinel {
		if u.Path == "" {
			return nil, errors.New("the address names no master, which the Sentinels are asked for: write its name after the hosts, as in django+redis-sentinel://host:26379/mymaster")
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
			return nil, fmt.Errorf("the address has the database %.20q, which is not a number: write one from 0 on after the hosts, as in django+redis://host:6379/0", u.Path)
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
		return nil, fmt.Errorf("the file that the address names with keys can't be read: %w", err)
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
