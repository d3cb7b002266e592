// Package natslayer is a channel layer between processes over NATS: a buslayer.Layer
// whose messages are published there. It only uses core NATS, not JetStream, so NATS stores
// nothing, and its servers may be restarted or replaced at any time.
//
// # Addresses
//
//	nats://[user:password@ or token@]host[:4222],host2[:4222],…
//	tls://…  requires TLS; nats:// uses it if the server requires it
//
// The hosts are servers of one cluster; the process connects to one of them, and to another
// one if that fails. It also learns of servers that are not named.
//
// All subjects begin with the parameter prefix, which is yroom by default, so that several
// deployments can share a NATS: nats://host?prefix=staging. The parameters
// credentials, the name of a file with a JWT and its key, and nkey, the name of a file with
// a seed, log in to servers that require them.
//
// A user needs the permissions to publish and to subscribe to yroom.>. The servers must
// take messages of 256 KiB, as they do by default.
package natslayer

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/internal/busurl"
)

// Config configures a layer.
type Config struct {
	buslayer.Config

	// URL is the address of NATS.
	URL string
	// TLS is the configuration of TLS. nil: the servers have certificates that this machine
	// trusts.
	TLS *tls.Config
	// Options are added to those of each connection, for example to log in by a callback.
	Options []nats.Option
}

// Open returns a layer. The error says what is wrong with the address or the options.
// Open doesn't wait until NATS is connected; the layer's Ready tells.
func Open(c Config) (*buslayer.Layer, error) {
	options, prefix, err := parse(c)
	if err != nil {
		return nil, fmt.Errorf("natslayer: %w", err)
	}
	return buslayer.New(newBus(options, prefix), c.Config), nil
}

// parse returns the options of connections, and the prefix of subjects.
func parse(c Config) (o nats.Options, prefix string, err error) {
	scheme, _, _ := strings.Cut(c.URL, "://")
	if scheme != "nats" && scheme != "tls" {
		return o, "", errors.New("the scheme of the address is neither nats nor tls")
	}
	u, err := busurl.Parse(c.URL, "4222", "credentials", "nkey")
	if err != nil {
		return o, "", err
	}
	if u.Path != "" {
		return o, "", errors.New("the address has a path, which NATS doesn't have")
	}
	options := []nats.Option{
		nats.Name("yroom " + c.Name),
		// The bus connects again itself: what is published meanwhile must not be sent later.
		nats.NoReconnect(),
		// A server that doesn't answer is noticed within two seconds by the layer, and a little
		// later by the connection.
		nats.Timeout(buslayer.PublishTime),
		nats.FlusherTimeout(buslayer.PublishTime),
		nats.PingInterval(buslayer.PublishTime),
		nats.MaxPingsOutstanding(2),
	}
	password, hasPassword := u.User.Password()
	switch {
	case hasPassword:
		options = append(options, nats.UserInfo(u.User.Username(), password))
	case u.User.Username() != "":
		options = append(options, nats.Token(u.User.Username()))
	}
	if file := u.Query.Get("credentials"); file != "" {
		options = append(options, nats.UserCredentials(file))
	}
	if file := u.Query.Get("nkey"); file != "" {
		nkey, err := nats.NkeyOptionFromSeed(file)
		if err != nil {
			return o, "", fmt.Errorf("the seed in the file %s can't be read: %w", file, err)
		}
		options = append(options, nkey)
	}
	if c.TLS != nil || scheme == "tls" {
		secure := c.TLS
		if secure == nil {
			secure = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		options = append(options, nats.Secure(secure))
	}
	o = nats.GetDefaultOptions()
	for _, host := range u.Hosts {
		o.Servers = append(o.Servers, scheme+"://"+host)
	}
	for _, option := range slices.Concat(options, c.Options) {
		if err := option(&o); err != nil {
			return o, "", err
		}
	}
	return o, u.Prefix, nil
}
