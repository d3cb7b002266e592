package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	cookieName = "session"
	lifetime   = 12 * time.Hour
)

// sessions keeps the name of the user in a cookie that is signed with this key.
type sessions []byte

// begin logs the user name in.
func (s sessions) begin(w http.ResponseWriter, name string) {
	end := time.Now().Add(lifetime)
	claim := base64.RawURLEncoding.EncodeToString([]byte(name)) + "." + strconv.FormatInt(end.Unix(), 10)
	http.SetCookie(w, &http.Cookie{
		Name:     cookieName,
		Value:    claim + "." + s.sign(claim),
		Path:     "/",
		Expires:  end,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		// Secure: true, if the app is served over HTTPS
	})
}

// end logs out.
func (s sessions) end(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
}

// userOf returns the user that sent a request, and reports whether there is one.
func (s sessions) userOf(r *http.Request) (name string, ok bool) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return "", false
	}
	dot := strings.LastIndexByte(cookie.Value, '.')
	if dot < 0 || !hmac.Equal([]byte(cookie.Value[dot+1:]), []byte(s.sign(cookie.Value[:dot]))) {
		return "", false
	}
	encoded, date, _ := strings.Cut(cookie.Value[:dot], ".")
	user, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	end, err := strconv.ParseInt(date, 10, 64)
	return string(user), err == nil && time.Now().Before(time.Unix(end, 0))
}

func (s sessions) sign(claim string) string {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte(claim))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
