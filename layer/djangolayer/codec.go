package djangolayer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

// codec reads and writes what is stored in Redis or published there: a prefix of random
// bytes, which makes equal messages different members of a sorted set, and the message,
// encrypted if there are keys.
type codec struct {
	prefix  int
	crypter *crypter
}

const (
	randomPrefix = 12               // bytes before a message of the core layer
	graceTTL     = 10 * time.Second // how much longer than its expiry an encrypted message may take
)

var errNoPrefix = errors.New("the entry is shorter than the random bytes before each message of the core layer: only channels_redis may write to the channel")

// read reads an entry.
func (c codec) read(entry []byte) (message, error) {
	if len(entry) < c.prefix {
		return message{}, errNoPrefix
	}
	data, err := c.crypter.decrypt(entry[c.prefix:])
	if err != nil {
		return message{}, err
	}
	m, err := readMessage(data)
	if err == nil && c.prefix > 0 && !strings.Contains(m.channel, "!") {
		err = fmt.Errorf("%w on the core layer, where that of a connection has a !: %.100q", errChannel, m.channel)
	}
	return m, err
}

// write writes an entry. On the core layer, to names the channels that it is for.
func (c codec) write(a answer, to []string) []byte {
	if c.crypter != nil {
		token := c.crypter.encrypt(a.append(nil, to))
		return append(c.head(len(token)), token...)
	}
	size := 64 + len(a.payload)
	if a.result != nil {
		size += len(*a.result)
	}
	for _, channel := range to {
		size += len(channel) + 2
	}
	return a.append(c.head(size), to)
}

// head returns the random prefix, with room for size more bytes.
func (c codec) head(size int) []byte {
	b := make([]byte, c.prefix, c.prefix+size)
	_, _ = rand.Read(b) // it never fails
	return b
}
