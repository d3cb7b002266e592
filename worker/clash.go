package worker

import "strconv"

// noteClashes reports the clashes of a turn, and logs the first clash of a room. It also
// logs that updates were refused because they would freeze clients.
func (a *actor) noteClashes() {
	if a.room == nil { // its outputs could not be delivered
		return
	}
	if n := a.room.Freezes(); n > a.freezes {
		a.freezes = n
		a.worker.config.Logger.Warn("An update was refused and its connection closed, because clients that load the document with it would freeze: "+
			"too many blocks are inserted at the same place. If the document already loads slowly, use yroom room cut to set it back to what it was before the earlier updates of that client.", "room", a.name, "refused", n)
	}
	n, last := a.room.Clashes()
	if n == a.clashes {
		return
	}
	if a.clashes == 0 {
		a.worker.config.Logger.Warn("A client has sent blocks with the client id and clock of blocks that the document has, but with other content. "+
			"They were dropped, so this client shows another document than all others. Two programs use one client id, or one has lost what it had written before. "+
			"Further cases in this room are not logged.", "room", a.name, "client", strconv.FormatUint(last.Client, 10), "clock", last.Clock)
	}
	report(a.worker, a.worker.config.Events.Clashed, ClashInfo{Room: a.name, Updates: n - a.clashes, Client: last.Client, Clock: last.Clock})
	a.clashes = n
}
