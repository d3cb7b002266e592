package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

const (
	usualRooms = 100  // in one answer
	mostRooms  = 1000 // where more are asked for
)

// list tells which rooms there are.
func (a *api) list(w http.ResponseWriter, r *http.Request, _ string) error {
	query, err := parameters(r, "prefix", "after", "limit")
	if err != nil {
		return err
	}
	limit := usualRooms
	if query.Has("limit") {
		if limit, err = strconv.Atoi(query.Get("limit")); err != nil || limit < 1 || limit > mostRooms {
			return badParameter.because(fmt.Sprintf("limit is a number from 1 to %d.", mostRooms))
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerPatience)
	defer cancel()
	part, err := listRooms(ctx, a.rooms, query.Get("prefix"), query.Get("after"), limit)
	if err != nil {
		return err
	}
	body, err := json.Marshal(part)
	if err != nil {
		return err
	}
	return answer(w, r, "application/json", body)
}
