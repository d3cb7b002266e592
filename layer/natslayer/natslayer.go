// Package natslayer is a channel layer between processes over NATS: a buslayer.Layer that
// publishes its messages there. It uses only core NATS, not JetStream. So NATS stores
// nothing, and its servers may be restarted or replaced at any time.
//
// # Addresses
//
//	nats://[user:password@ or token@]host[:4222],host2[:4222],…
//	tls://…  requires TLS; nats:// uses it if the server requires it
//
// The hosts are servers of one cluster. The process connects to one of them, and to another
// one if that fails. It also learns of servers that the address doesn't name.
//
// Subjects begin with the value of the parameter prefix, which is yroom by default. So
// several deployments can share a NATS: nats://host?prefix=staging. Two parameters name
// files to log in with: credentials, a file with a JWT and its key, and nkey, a file with a
// seed.
//
// A user needs permission to publish and to subscribe to yroom.>. The servers must accept
// messages of 256 KiB, as they do by default.
package natslayer

import (
	"crypto/tls"
	"errors"
	"fmt"
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
	// TLS is the configuration of TLS. With nil, the servers must have certificates that this
	// machine trusts if they require TLS.
	TLS *tls.Config
}

// Open returns a layer. The error says what is wrong with the address. Open doesn't wait
// for the connection to NATS; the layer's Ready reports whether it works.
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
		// The bus reconnects itself: packets published meanwhile must not be sent later.
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
	for _, option := range options {
		if err := option(&o); err != nil {
			return o, "", err
		}
	}
	return o, u.Prefix, nil
}
