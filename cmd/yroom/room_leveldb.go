package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/storage"
	"github.com/syndtr/goleveldb/leveldb/util"
)

// Parts of the keys of y-leveldb. A key is a list of texts and numbers.
const (
	levelText   = 0 // a length and the text follow
	levelNumber = 1 // four bytes follow
)

// eachLevelDB reads the folder of a y-leveldb, in which y-websocket keeps documents: the key
// of an update is "v1", the name, "update" and a number, and that of a state vector
// "v1_sv" and the name. No other process may be using the folder.
func eachLevelDB(ctx context.Context, path string, do func(name string, updates [][]byte, err error)) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	files, err := storage.OpenFile(path, true)
	if err != nil {
		return fmt.Errorf("%s can't be read as a LevelDB, which no other process may be using: %w", path, err)
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	db, err := leveldb.Open(files, &opt.Options{ErrorIfMissing: true, ReadOnly: true, Strict: opt.StrictAll})
	if err != nil {
		return fmt.Errorf("%s is not a LevelDB, or damaged: %w", path, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	documents := grouping{do: func(name string, updates [][]byte) { do(name, updates, checkLevelVector(db, name, updates)) }}
	entries := db.NewIterator(util.BytesPrefix(levelKey("v1")), nil)
	defer entries.Release()
	for entries.Next() && ctx.Err() == nil {
		if name, isUpdate := levelUpdate(entries.Key()); isUpdate {
			documents.add(name, append([]byte{}, entries.Value()...))
		}
	}
	if err := entries.Error(); err != nil {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	documents.end()
	return nil
}

// levelKey encodes texts as the beginning of a key.
func levelKey(texts ...string) (key []byte) {
	for _, text := range texts {
		key = append(binary.AppendUvarint(append(key, levelText), uint64(len(text))), text...)
	}
	return key
}

// levelUpdate returns the name of the document of which a key is that of an update.
func levelUpdate(key []byte) (name string, isUpdate bool) {
	var texts []string
	for len(key) > 0 && key[0] == levelText {
		n, size := binary.Uvarint(key[1:])
		if size <= 0 || n > uint64(len(key)-1-size) {
			return "", false
		}
		key = key[1+size:]
		texts, key = append(texts, string(key[:n])), key[n:]
	}
	isUpdate = len(texts) == 3 && texts[2] == "update" && len(key) == 5 && key[0] == levelNumber
	if isUpdate {
		name = texts[1]
	}
	return name, isUpdate
}

// checkLevelVector is checkVector for the stored state vector of a document, if there is one.
func checkLevelVector(db *leveldb.DB, name string, updates [][]byte) error {
	value, err := db.Get(levelKey("v1_sv", name), nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	_, n := binary.Uvarint(value) // the number of the newest update when it was stored
	length, m := binary.Uvarint(value[max(n, 0):])
	if n <= 0 || m <= 0 || length != uint64(len(value)-n-m) {
		return errors.New("its state vector can't be read")
	}
	return checkVector(value[n+m:], updates)
}
