// Package redislayer is a channel layer between processes over Redis or Valkey: a
// buslayer.Layer that publishes its messages there. It uses only pub/sub. So Redis stores
// nothing, and may be restarted or replaced at any time.
//
// # Addresses
//
//	redis://[user:password@]host[:6379][/database]              one server
//	redis://[user:password@]host:6379,host2:6379,…              some nodes of a Cluster
//	redis-sentinel://[user:password@]host[:26379],…/mastername  Sentinels, which know the master
//
// The schemes rediss and rediss-sentinel connect with TLS. The layer detects whether the
// servers are a Cluster, and then uses sharded pub/sub, which Redis has since version 7.
// All processes must name the same servers.
//
// Names of channels begin with the value of the parameter prefix, which is yroom by
// default. A database other than 0 adds its number, as in yroom-1, since pub/sub ignores
// databases. So several deployments can share a Redis: redis://host?prefix=staging. The
// parameters sentinel-user and sentinel-password are for Sentinels that require a login of
// their own.
//
// A user of the ACL needs the permissions &yroom:* +publish +subscribe +ping. For a
// Cluster it needs +spublish +ssubscribe +cluster|slots +cluster|shards instead of +publish
// and +subscribe.
package redislayer

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/rueidis"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/internal/busurl"
)

// Config configures a layer.
type Config struct {
	buslayer.Config

	// URL is the address of Redis.
	URL string
	// TLS is the configuration of TLS for the schemes rediss and rediss-sentinel. With nil,
	// the servers must have certificates that this machine trusts.
	TLS *tls.Config
}

// Open returns a layer. The error says what is wrong with the address. Open doesn't wait
// for the connection to Redis; the layer's Ready reports whether it works.
func Open(c Config) (*buslayer.Layer, error) {
	options, prefix, err := parse(c.URL, c.TLS)
	if err != nil {
		return nil, fmt.Errorf("redislayer: %w", err)
	}
	return buslayer.New(newBus(options, prefix), c.Config), nil
}

// parse returns the options of the client for an address, and the prefix of the names of
// channels.
func parse(address string, secure *tls.Config) (o rueidis.ClientOption, prefix string, err error) {
	scheme, _, _ := strings.Cut(address, "://")
	single, sentinel := scheme == "redis" || scheme == "rediss", scheme == "redis-sentinel" || scheme == "rediss-sentinel"
	if !single && !sentinel {
		return o, "", errors.New("the scheme of the address is none of redis, rediss, redis-sentinel, rediss-sentinel")
	}
	port, parameters := "6379", []string(nil)
	if sentinel {
		port, parameters = "26379", []string{"sentinel-user", "sentinel-password"}
	}
	u, err := busurl.Parse(address, port, parameters...)
	if err != nil {
		return o, "", err
	}
	o = rueidis.ClientOption{
		InitAddress: u.Hosts,
		Username:    u.User.Username(),
		Password:    u.Password(),
		ClientName:  "yroom",
		ShuffleInit: true,

		// A batch is published in order: over one connection, and not again if that fails.
		PipelineMultiplex: -1,
		BlockingPipeline:  -1,
		DisableRetry:      true,
		DisableCache:      true,

		// A server that doesn't answer is noticed within two seconds.
		Dialer:           net.Dialer{Timeout: buslayer.PublishTime, KeepAlive: buslayer.PublishTime},
		ConnWriteTimeout: buslayer.PublishTime,
	}
	if strings.HasPrefix(scheme, "rediss") {
		o.TLSConfig = cmp.Or(secure, &tls.Config{MinVersion: tls.VersionTLS12})
	}
	prefix = u.Prefix
	if sentinel {
		if u.Path == "" {
			return o, "", errors.New("the address doesn't name the master, as in redis-sentinel://host:26379/mymaster")
		}
		o.Sentinel = rueidis.SentinelOption{
			MasterSet: u.Path, TLSConfig: o.TLSConfig, Dialer: o.Dialer, ClientName: o.ClientName,
			Username: u.Query.Get("sentinel-user"), Password: u.Query.Get("sentinel-password"),
		}
		return o, prefix, nil
	}
	if u.Path != "" && u.Path != "0" {
		if _, err := strconv.ParseUint(u.Path, 10, 16); err != nil {
			return o, "", fmt.Errorf("the database %.20q in the address is not a number", u.Path)
		}
		prefix += "-" + u.Path
	}
	return o, prefix, nil
}
