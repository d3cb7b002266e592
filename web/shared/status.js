import { isFinal, sentence, whyRefused } from './reasons.js'

const look = 1000 // ms between looks at the connection
const idle = 4000 // ms without a message after which the server is asked for one
const patience = 4000 // ms in which the server has to answer
const littlePatience = 1000 // the same if the browser says that there is no network

// Status is the status of a connection: "connecting", "connected", "offline", or "closed",
// which is final, with a reason if the server gave one. A browser may notice only after
// minutes that its network is gone. So a connection on which the server doesn't answer is "offline" too,
// until a message arrives.
export class Status {
  #now = 'connecting'
  #reason = ''
  #silent = false
  #asked = 0 // the time of a question that is not answered, or 0
  #left = 0 // how many bytes waited to be sent when last looked at
  #sent = 0 // when fewer waited than before, because the server received some
  #asking = false // the server is asked why it refuses
  #connection
  #listeners = []

  // connection has
  //  - socket(), its WebSocket
  //  - question, a message that the server answers
  //  - heard(), the time in ms of the last message of the server
  //  - stop(), which ends the attempts to connect
  //  - address(), that of the WebSocket.
  constructor (connection) {
    this.#connection = connection
    setInterval(() => this.#look(), look)
    for (const kind of ['online', 'offline']) addEventListener(kind, () => this.#ask())
  }

  // on calls the listener with the status and the reason whenever they change.
  on (listener) {
    this.#listeners.push(listener)
  }

  connected () {
    this.#silent = false
    this.#asked = 0
    this.#set('connected', '')
  }

  // lost says that the connection has ended, with a close code and a reason if it was
  // closed. An attempt to connect begins.
  lost (code, reason) {
    if (this.#now === 'closed') return
    if (isFinal(code)) this.closed(code, reason)
    else this.#set('offline', code ? sentence(code, reason) : '')
  }

  // closed says that the connection is closed and no other one is attempted.
  closed (code, reason) {
    this.#set('closed', sentence(code, reason) || 'The server has closed the connection.')
    this.#connection.stop()
  }

  // failed says that an attempt to connect has failed. Another one begins, unless the server
  // would refuse each.
  async failed () {
    if (this.#now === 'closed' || this.#asking) return
    if (this.#now === 'connected') this.#set('offline', '')
    this.#asking = true
    const refusal = await whyRefused(this.#connection.address())
    this.#asking = false
    if (this.#now === 'connected' || this.#now === 'closed') return
    if (refusal) this.lost(refusal.code, refusal.reason)
    else this.#set('offline', '')
  }

  #look () {
    if (this.#now !== 'connected') return
    const now = Date.now()
    const { bufferedAmount } = this.#connection.socket()
    if (bufferedAmount < this.#left) this.#sent = now
    this.#left = bufferedAmount
    const heard = Math.max(this.#connection.heard(), this.#sent)
    if (this.#asked && heard >= this.#asked) this.#asked = 0
    if (!this.#asked && now - heard > idle) this.#ask()
    const silent = this.#asked > 0 && now - this.#asked > (navigator.onLine ? patience : littlePatience)
    if (silent === this.#silent) return
    this.#silent = silent
    this.#tell()
  }

  #ask () {
    if (this.#now !== 'connected') return
    this.#asked ||= Date.now()
    this.#connection.socket().send(this.#connection.question)
  }

  #set (now, reason) {
    if (now === this.#now && reason === this.#reason) return
    this.#now = now
    this.#reason = reason
    this.#tell()
  }

  #tell () {
    const silent = this.#now === 'connected' && this.#silent
    for (const listener of this.#listeners) listener(silent ? 'offline' : this.#now, silent ? 'The server does not answer.' : this.#reason)
  }
}
