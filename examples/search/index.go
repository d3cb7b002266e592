package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	_ "modernc.org/sqlite" // with its full-text search

	"github.com/yroom/yroom/webhook"
)

// index is the texts of rooms in an SQLite file.
type index struct{ db *sql.DB }

// found is a room that has the words of a query.
type found struct {
	Room string `json:"room"`
	Text string `json:"text"` // around the words
}

// The table rooms has the position of the newest event of each room, deleted or not.
const tables = `
CREATE TABLE IF NOT EXISTS rooms (name TEXT PRIMARY KEY, position INTEGER NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5 (room UNINDEXED, text);
`

func openIndex(path string) (*index, error) {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(context.Background(), tables); err != nil {
		return nil, errors.Join(fmt.Errorf("%s can't be used as an index: %w", path, err), db.Close())
	}
	return &index{db}, nil
}

// take stores an event. When it returns nil, the event need not be sent again. An event that is
// older than the last one of the room changes nothing. Nor does the creation of a room, which has
// the position of the change that follows it, and may arrive after that.
func (i *index) take(ctx context.Context, event webhook.Message) (err error) {
	if event.Type == webhook.Created {
		return nil
	}
	tx, err := i.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // err is the cause
		}
	}()
	room := event.Data.Room
	newest, err := tx.ExecContext(ctx, "INSERT INTO rooms VALUES (?1, ?2) ON CONFLICT DO UPDATE SET position = ?2 WHERE position <= ?2",
		room, int64(event.Data.Position))
	if err != nil {
		return err
	}
	if n, err := newest.RowsAffected(); n == 0 || err != nil {
		return errors.Join(err, tx.Commit())
	}
	if _, err = tx.ExecContext(ctx, "DELETE FROM texts WHERE room = ?", room); err != nil {
		return err
	}
	if event.Type == webhook.Changed && event.Data.Content != nil {
		var text string
		if err = json.Unmarshal(event.Data.Content, &text); err != nil {
			return fmt.Errorf("the content is not a text: set content: text for the webhook: %w", err)
		}
		if _, err = tx.ExecContext(ctx, "INSERT INTO texts VALUES (?, ?)", room, text); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// search returns the rooms that have all words of a query, the best first.
func (i *index) search(ctx context.Context, query string) (all []found, err error) {
	var words []string
	for word := range strings.FieldsSeq(query) {
		words = append(words, `"`+strings.ReplaceAll(word, `"`, `""`)+`"`)
	}
	all = []found{}
	if len(words) == 0 {
		return all, nil
	}
	rows, err := i.db.QueryContext(ctx, "SELECT room, snippet(texts, 1, '', '', '…', 12) FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 20", strings.Join(words, " "))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // Err returns all that matters
	for rows.Next() {
		var f found
		if err := rows.Scan(&f.Room, &f.Text); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, rows.Err()
}
