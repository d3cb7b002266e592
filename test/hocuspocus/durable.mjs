// Scenarios of yroom alone, whose store the test can hold up. A provider counts its unsynced changes, which are those
// that aren't stored.

import { hold, sleep, until } from './stage.mjs'

const acks = client => client.frames('server', 'status').filter(({ applied }) => applied === 1).length

export const durable = {
  'an ack says that the edit is stored': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    ann.watch()
    const before = acks(ann)
    await stage.ask('/hold')
    for (let i = 1; i <= 5; i++) {
      ann.type('a')
      hold('each edit counts', ann.unsynced === i)
      await sleep(20)
    }
    await sleep(300)
    hold('none is acknowledged', acks(ann) === before && ann.unsynced === 5)
    hold('no one sees it', bob.shown === '')
    await stage.ask('/release')
    await ann.settled()
    hold('each is acknowledged', acks(ann) === before + 5)
    await stage.converge(ann, bob)
    await ann.honest()
  },

  'echoes are merged and acks are not': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    const before = [ann, bob].map(acks)
    const echoes = ann.frames('server', 'update').length
    await stage.ask('/hold')
    for (let i = 0; i < 100; i++) for (const client of [ann, bob]) client.type(client.name)
    await sleep(100)
    await stage.ask('/release')
    await stage.converge(ann, bob)
    for (const [i, client] of [ann, bob].entries()) {
      await client.settled()
      hold('each edit is acknowledged once', acks(client) === before[i] + 100)
    }
    hold('there are fewer echoes than edits', ann.frames('server', 'update').length - echoes < 200)
  },

  'forceSync while edits wait': async stage => {
    const [ann] = await stage.synced('ann')
    ann.type('.')
    await ann.settled()
    const before = acks(ann)
    await stage.ask('/hold')
    for (let i = 0; i < 5; i++) ann.type('a')
    ann.provider.forceSync()
    await sleep(200)
    hold('nothing is acknowledged', acks(ann) === before && ann.unsynced === 1)
    await stage.ask('/release')
    await ann.settled()
    hold('all is stored', (await stage.stored()).getText('text').toString() === '.aaaaa')
    await sleep(100)
    // The provider has forgotten the five edits when it begins to count again, so they are not acknowledged.
    hold(`the count is 0: ${ann.unsynced}`, ann.unsynced === 0 && acks(ann) === before + 1)
    ann.type('b')
    hold('the count is right again', ann.unsynced === 1)
    await ann.settled()
  },

  // Each answer of the server leads to a SyncStep2, and the provider counts them all as one change.
  'forceSync before the last one is answered': async stage => {
    const [ann] = await stage.synced('ann')
    ann.type('.')
    await ann.settled()
    ann.watch()
    ann.recounts = true
    await stage.ask('/hold')
    for (let i = 0; i < 3; i++) {
      for (let k = 0; k < 5; k++) ann.type('a')
      ann.provider.forceSync()
      await sleep(50)
    }
    ann.type('b')
    hold('the count is that of the provider', ann.unsynced === 2)
    await stage.ask('/release')
    await ann.settled()
    await sleep(300)
    hold(`the count is 0: ${ann.unsynced}`, ann.unsynced === 0)
    ann.type('c')
    hold('the count is right again', ann.unsynced === 1)
    await ann.settled()
    await ann.honest()
  },

  'edits that wait while the connection breaks': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    await stage.ask('/hold')
    for (let i = 0; i < 5; i++) ann.type('a')
    await sleep(100)
    ann.break()
    await until('ann has lost the connection', () => !ann.provider.synced)
    hold('the edits are not stored', ann.unsynced > 0)
    await stage.ask('/release')
    await ann.synced()
    await stage.converge(ann, bob)
    hold('each edit is there once', bob.shown === 'aaaaa')
  },

  'edits while disconnected': async stage => {
    const [ann] = await stage.synced('ann')
    ann.type('.')
    await ann.settled()
    await ann.disconnect()
    for (let i = 0; i < 5; i++) ann.type('a')
    await stage.ask('/slow')
    ann.watch()
    ann.recounts = true
    ann.connect()
    for (let i = 0; i < 20; i++) {
      ann.type('b')
      await sleep(50)
    }
    await until('ann is synced', () => ann.provider.synced)
    await ann.settled()
    await ann.honest()
    hold('the count is 0', ann.unsynced === 0)
    ann.type('c')
    hold('the count is right again', ann.unsynced === 1)
    await ann.settled()
    await ann.honest()
  },

  'a slow reader': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    bob.watch()
    const before = acks(bob)
    bob.socket.webSocket._socket.pause()
    bob.socket.lastMessageReceived = Infinity // otherwise the provider would close the socket after 30 s
    const page = 'a page of text, typed and taken back. '.repeat(7000)
    for (let i = 0; i < 40; i++) {
      ann.type(page)
      ann.text.delete(0, page.length)
      bob.type('b')
      await sleep(1)
    }
    await ann.settled()
    ann.type('the end')
    await ann.settled()
    hold('the edits of the slow reader count', bob.unsynced === 40)
    bob.socket.webSocket._socket.resume()
    await stage.converge(ann, bob)
    await bob.settled()
    await bob.honest()
    hold(`each edit is acknowledged once: ${acks(bob) - before}`, acks(bob) === before + 40)
    hold('the connection was kept', stage.sockets.get('bob').length === 1)
  },

  'a lost update': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    ann.type('one ')
    await stage.converge(ann, bob)
    await ann.settled()
    await stage.ask('/lose')
    ann.type('two ')
    await sleep(100)
    hold('it is not acknowledged', ann.unsynced === 1)
    ann.type('three ') // the room can't show it without what was lost
    await until('bob sees what was lost', () => bob.shown === 'one two three ')
    await ann.synced()
    await ann.settled()
    hold('the provider has connected again, to count again', stage.sockets.get('ann').length === 2)
    ann.type('four')
    hold('the count is right again', ann.unsynced === 1)
    await ann.settled()
    await stage.converge(ann, bob)
  },

  'a full mailbox': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    await stage.ask('/hold')
    for (let i = 0; i < 2000; i++) {
      ann.type('a')
      if (i % 100 === 0) await sleep(1)
    }
    await sleep(200)
    hold('no edit is acknowledged', ann.unsynced === 2000)
    await stage.ask('/release')
    await ann.settled()
    await stage.converge(ann, bob)
    hold('each edit is there', bob.shown.length === 2000)
  }
}
