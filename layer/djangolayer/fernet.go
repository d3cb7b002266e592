package djangolayer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// crypter encrypts messages as channels_redis does with symmetric_encryption_keys: by
// Fernet, which is AES-128-CBC and HMAC-SHA256, with the SHA-256 of a key. The nil crypter
// leaves messages as they are.
type crypter struct {
	keys []fernetKey // the first one encrypts, all decrypt
	ttl  time.Duration
	now  func() time.Time
}

type fernetKey struct {
	sign []byte
	aes  cipher.Block
}

var (
	errToken   = errors.New("the message was encrypted with none of the keys, or not at all: the file that the address names with keys must have the symmetric_encryption_keys of CHANNEL_LAYERS")
	errExpired = errors.New("the message was encrypted too long ago, or in the future: compare the clocks of the machines")
)

const (
	fernetVersion = 0x80
	fernetHead    = 1 + 8 + aes.BlockSize // version, time in seconds, initial vector
	maxSkew       = time.Minute           // how far the clock of the sender may be ahead, with a ttl
)

// newCrypter returns the crypter for keys, or nil if there are none. A message older than
// ttl is refused; with 0, it may have any age.
func newCrypter(keys []string, ttl time.Duration, now func() time.Time) *crypter {
	if len(keys) == 0 {
		return nil
	}
	c := &crypter{ttl: ttl, now: now}
	for _, key := range keys {
		sum := sha256.Sum256([]byte(key))
		block, err := aes.NewCipher(sum[16:])
		if err != nil {
			panic(err) // the key has 16 bytes
		}
		c.keys = append(c.keys, fernetKey{sum[:16], block})
	}
	return c
}

// encrypt returns the token for a message.
func (c *crypter) encrypt(message []byte) []byte {
	if c == nil {
		return message
	}
	k := c.keys[0]
	padding := aes.BlockSize - len(message)%aes.BlockSize
	token := make([]byte, fernetHead+len(message)+padding, fernetHead+len(message)+padding+sha256.Size)
	token[0] = fernetVersion
	binary.BigEndian.PutUint64(token[1:], uint64(c.now().Unix()))
	_, _ = rand.Read(token[9:fernetHead]) // it never fails
	body := token[fernetHead:]
	for i := copy(body, message); i < len(body); i++ {
		body[i] = byte(padding)
	}
	cipher.NewCBCEncrypter(k.aes, token[9:fernetHead]).CryptBlocks(body, body) //nolint:gosec // the vector is random
	token = append(token, k.sum(token)...)
	return base64.URLEncoding.AppendEncode(nil, token)
}

// decrypt returns the message of a token.
func (c *crypter) decrypt(token []byte) ([]byte, error) {
	if c == nil {
		return token, nil
	}
	raw, err := base64.URLEncoding.AppendDecode(nil, token)
	n := len(raw) - sha256.Size // of what is signed
	if err != nil || n < fernetHead+aes.BlockSize || (n-fernetHead)%aes.BlockSize != 0 || raw[0] != fernetVersion {
		return nil, errToken
	}
	for _, k := range c.keys {
		if !hmac.Equal(k.sum(raw[:n]), raw[n:]) {
			continue
		}
		seconds := binary.BigEndian.Uint64(raw[1:])
		now := uint64(c.now().Unix())
		if c.ttl > 0 && (seconds+uint64(c.ttl/time.Second) < now || seconds > now+uint64(maxSkew/time.Second)) {
			return nil, errExpired
		}
		body := raw[fernetHead:n]
		cipher.NewCBCDecrypter(k.aes, raw[9:fernetHead]).CryptBlocks(body, body)
		padding := int(body[len(body)-1])
		if padding == 0 || padding > aes.BlockSize {
			return nil, errToken
		}
		for _, b := range body[len(body)-padding:] {
			if int(b) != padding {
				return nil, errToken
			}
		}
		return body[:len(body)-padding], nil
	}
	return nil, errToken
}

// sum returns the signature of signed.
func (k fernetKey) sum(signed []byte) []byte {
	mac := hmac.New(sha256.New, k.sign)
	_, _ = mac.Write(signed) // it never fails
	return mac.Sum(nil)
}
