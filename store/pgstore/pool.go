package pgstore

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connectTimeout = 5 * time.Second
	pingTimeout    = 2 * time.Second // of a connection that was idle
)

// errAddress contains no part of the address, because a parser can mistake a part of the
// password for another part of the address.
var errAddress = errors.New("pgstore: the address of the database can't be read: write it as " +
	"postgres://USER:PASSWORD@HOST:PORT/DATABASE, and escape characters such as @ / # ? % in the password, @ as %40")

// parse returns the settings of a pool of connections.
func parse(address string) (*pgxpool.Config, error) {
	if strings.HasPrefix(address, "postgres:") || strings.HasPrefix(address, "postgresql:") {
		// An unescaped # or ? in a password ends the host.
		u, err := url.Parse(address)
		if err != nil || u.Fragment != "" || u.User == nil && strings.Contains(address, "@") {
			return nil, errAddress
		}
	}
	settings, err := pgxpool.ParseConfig(address)
	if unread, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, fmt.Errorf("pgstore: a file that the address of the database names can't be read: %w", unread)
	}
	if err != nil {
		return nil, errAddress
	}
	settings.PingTimeout = pingTimeout
	conn := settings.ConnConfig
	if !strings.Contains(address, "default_query_exec_mode=") {
		// Statements are unnamed and parsed each time, in the same round trip as they are
		// executed. So a pooler can run each transaction on another connection.
		conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectTimeout
	}
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "yroom"
	}
	if conn.ValidateConnect == nil { // after a failover, the address may lead to a standby
		conn.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	return settings, nil
}

// databaseName returns the name of a database for errors.
func databaseName(conn *pgx.ConnConfig) string {
	return conn.Host + ":" + strconv.Itoa(int(conn.Port)) + "/" + conn.Database
}

// Pool returns connections for statements on tables of other programs in the same database. They
// must not be used after Close.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }
