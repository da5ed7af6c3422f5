package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
)

// A token is a prefix that says what it is, then base64url (RFC 4648, section 5,
// without padding) of a payload and the HMAC-SHA-256 of prefix and payload:
//
//	access   tda1_  key u32 · expires i64 · session · user
//	refresh  tdr1_  key u32 · expires i64 · session · generation u64
//
// Integers are big-endian, times are Unix nanoseconds, texts carry their length
// in one byte before them. The prefix is under the signature, so neither kind
// can pass for the other, and a new format gets a new number. There is exactly
// one spelling of each token; nothing is read from one before its signature held.
//
// HMAC and not Ed25519: only this server verifies, and does so at every call.
const (
	accessPrefix  = "tda1_"
	refreshPrefix = "tdr1_"

	// maxToken bounds what is looked at, in bytes; real tokens are below 250.
	maxToken = 512
	macSize  = sha256.Size
)

// claims is what a token says. User is empty in a refresh token, Generation 0 in
// an access token.
type claims struct {
	key        uint32
	expires    time.Time
	session    string
	user       string
	generation uint64
}

// accessToken signs an access token for the session's newest generation.
func accessToken(key Key, s Session) Secret {
	payload := appendClaims(key.ID, s.AccessExpires, s.ID)
	payload = appendText(payload, s.User)
	return seal(accessPrefix, key.Secret, payload)
}

// refreshToken computes the session's newest refresh token. The same session
// gives the same token, which is why none is ever stored.
func refreshToken(key Key, s Session) Secret {
	payload := appendClaims(key.ID, s.Expires, s.ID)
	payload = binary.BigEndian.AppendUint64(payload, s.Generation)
	return seal(refreshPrefix, key.Secret, payload)
}

func appendClaims(key uint32, expires time.Time, session string) []byte {
	payload := make([]byte, 0, maxToken)
	payload = binary.BigEndian.AppendUint32(payload, key)
	payload = binary.BigEndian.AppendUint64(payload, uint64(expires.UnixNano()))
	return appendText(payload, session)
}

func appendText(payload []byte, text string) []byte {
	return append(append(payload, byte(len(text))), text...)
}

func seal(prefix string, secret, payload []byte) Secret {
	payload = append(payload, sign(prefix, secret, payload)...)
	return Secret(prefix + base64.RawURLEncoding.EncodeToString(payload))
}

func sign(prefix string, secret, payload []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(prefix)) // hash.Hash never fails to write.
	_, _ = mac.Write(payload)
	return mac.Sum(nil)
}

// open checks a token's form and signature and returns its payload. Errors:
// ErrBadToken, or the store's.
func (s *Service) open(ctx context.Context, prefix, token string) ([]byte, error) {
	text, ok := strings.CutPrefix(token, prefix)
	if !ok || len(token) > maxToken {
		return nil, ErrBadToken
	}
	// The decoder skips line breaks; they would give a token a second spelling.
	if strings.ContainsAny(text, "\r\n") {
		return nil, ErrBadToken
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(data) < 4+macSize {
		return nil, ErrBadToken
	}
	payload, mac := data[:len(data)-macSize], data[len(data)-macSize:]
	key, ok, err := s.findKey(ctx, binary.BigEndian.Uint32(payload))
	if err != nil {
		return nil, err
	}
	if !ok || !hmac.Equal(mac, sign(prefix, key.Secret, payload)) {
		return nil, ErrBadToken
	}
	return payload, nil
}

// parseAccess verifies an access token's signature and reads it. The caller
// judges its expiry.
func (s *Service) parseAccess(ctx context.Context, token string) (claims, error) {
	payload, err := s.open(ctx, accessPrefix, token)
	if err != nil {
		return claims{}, err
	}
	c, rest, ok := readClaims(payload)
	if ok {
		c.user, rest, ok = readText(rest)
	}
	if !ok || len(rest) != 0 {
		return claims{}, ErrBadToken
	}
	return c, nil
}

// parseRefresh verifies a refresh token's signature and reads it. The caller
// judges its expiry and generation.
func (s *Service) parseRefresh(ctx context.Context, token string) (claims, error) {
	payload, err := s.open(ctx, refreshPrefix, token)
	if err != nil {
		return claims{}, err
	}
	c, rest, ok := readClaims(payload)
	if !ok || len(rest) != 8 {
		return claims{}, ErrBadToken
	}
	c.generation = binary.BigEndian.Uint64(rest)
	return c, nil
}

func readClaims(payload []byte) (c claims, rest []byte, ok bool) {
	if len(payload) < 12 {
		return claims{}, nil, false
	}
	c.key = binary.BigEndian.Uint32(payload)
	c.expires = time.Unix(0, int64(binary.BigEndian.Uint64(payload[4:]))).UTC()
	c.session, rest, ok = readText(payload[12:])
	return c, rest, ok
}

func readText(data []byte) (text string, rest []byte, ok bool) {
	if len(data) == 0 || len(data) < 1+int(data[0]) {
		return "", nil, false
	}
	end := 1 + int(data[0])
	return string(data[1:end]), data[end:], true
}
