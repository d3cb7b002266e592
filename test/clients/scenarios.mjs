// What people do with a server. Each scenario has a room of its own.

import { WebSocket } from './kits.mjs'
import { hold, impostor, sleep, until } from './stage.mjs'

export const scenarios = {
  'two clients': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    for (let i = 0; i < 20; i++) {
      ann.type('a')
      bob.type('b')
      if (i % 4 === 0) await sleep(1)
    }
    await stage.converge(ann, bob)
    hold('all that was typed is there', [...ann.shown].sort().join('') === 'a'.repeat(20) + 'b'.repeat(20))
  },

  'ten clients': async stage => {
    const clients = await stage.synced(...'abcdefghij')
    for (let i = 0; i < 10; i++) {
      for (const client of clients) client.type(client.name)
      await sleep(1)
    }
    await stage.converge(...clients)
    hold('all that was typed is there', [...clients[0].shown].sort().join('') === [...'abcdefghij'].map(name => name.repeat(10)).join(''))
  },

  text: edit('text'),
  'rich text': edit('rich text'),
  maps: edit('maps'),
  arrays: edit('arrays'),
  XML: edit('XML'),

  subdocuments: async stage => {
    const { kit } = stage
    const [ann, bob] = await stage.synced('ann', 'bob')
    const guid = stage.room + '/chapter'
    kit.subdocuments(ann.doc).set('chapter', new kit.Y.Doc({ guid }))
    await until('bob has the subdocument', () => kit.subdocuments(bob.doc).get('chapter') !== undefined)
    const chapters = [ann, bob].map(({ doc, name }) => {
      const chapter = kit.subdocuments(doc).get('chapter')
      hold('the subdocument is named', chapter.guid === guid)
      chapter.load()
      return stage.client(name + "'s chapter", { room: guid, doc: chapter })
    })
    for (const chapter of chapters) {
      await chapter.synced()
      chapter.type(chapter.name)
    }
    await stage.converge(...chapters)
    hold('both wrote the chapter', chapters[0].shown.includes('ann') && chapters[0].shown.includes('bob'))
    hold('the chapter is not in the book', ann.shown === '')
  },

  'late join': async stage => {
    const [ann] = await stage.synced('ann')
    for (const edit of Object.values(stage.kit.edits)) edit(ann.doc, 'ann')
    const [bob] = await stage.synced('bob')
    await stage.converge(ann, bob)
    await ann.disconnect()
    await bob.disconnect()
    const [late] = await stage.synced('late')
    await stage.converge(ann, late)
  },

  'a lost update': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    const room = '?room=' + encodeURIComponent(stage.room)
    ann.type('one ')
    await stage.converge(ann, bob)
    await stage.ask('/lose' + room)
    ann.type('two ')
    await until('an update is lost', () => stage.ask('/lost' + room))
    ann.type('three ') // the room can't show it without what was lost
    await until('bob sees what was lost', () => bob.shown === 'one two three ')
    hold('no client had to connect again', ann.closes === 0 && bob.closes === 0)
  },

  'a lost last update': async stage => {
    const ann = stage.client('ann', { resyncInterval: 300 })
    const bob = stage.client('bob')
    await ann.synced()
    await bob.synced()
    const room = '?room=' + encodeURIComponent(stage.room)
    await stage.ask('/lose' + room)
    ann.type('the last')
    await until('an update is lost', () => stage.ask('/lost' + room))
    await until('bob sees what was lost', () => bob.shown === 'the last')
    hold('no client had to connect again', ann.closes === 0 && bob.closes === 0)
  },

  'a deleted room': async stage => {
    const clients = await stage.synced('ann', 'bob', 'carol')
    const [ann, bob] = clients
    const room = '?room=' + encodeURIComponent(stage.room)
    ann.type('old ')
    await stage.converge(...clients)
    await stage.ask('/delete' + room)
    // y-websocket 3 takes 4404 for the last word, unless its page connects again.
    const insist = () => clients.forEach(({ provider }) => { if (!provider.shouldConnect) provider.connect() })
    const turnedAway = times => until('they come back and are turned away', () => {
      insist()
      return clients.every(client => client.closes >= times)
    })
    await turnedAway(3)
    bob.type('meanwhile ')
    await turnedAway(8)
    hold('no client is admitted', clients.every(client => !client.provider.synced))
    hold('it stays deleted', !(await stage.ask('/exists' + room)))
    await stage.ask('/create' + room)
    // A client that was refused connects once more.
    await until('they are let in', () => {
      insist()
      return clients.every(client => client.provider.synced)
    })
    await stage.converge(...clients)
    // What they had is not lost to them. It comes to the new room with them.
    for (const part of ['new', 'old ', 'meanwhile ']) hold(`"${part}" is there`, ann.shown.includes(part))
    hold('the new content is there once', ann.shown.split('new').length === 2)
  },

  'offline edits on one side': async stage => {
    const [ann, bob, watcher] = await stage.synced('ann', 'bob', 'watcher')
    ann.type('before ')
    await stage.converge(ann, bob, watcher)
    await ann.disconnect()
    ann.type('from ann ')
    bob.type('from bob ')
    await stage.converge(bob, watcher)
    await ann.reconnect()
    await stage.converge(ann, bob, watcher)
    for (const part of ['before ', 'from ann ', 'from bob ']) hold(`"${part}" is there`, watcher.shown.includes(part))
  },

  'offline edits on both sides': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    ann.type('before ')
    await stage.converge(ann, bob)
    await ann.lose()
    await bob.disconnect()
    for (const edit of Object.values(stage.kit.edits)) {
      edit(ann.doc, 'ann')
      edit(bob.doc, 'bob')
    }
    await Promise.all([ann.reconnect(), bob.reconnect()])
    await stage.converge(ann, bob)
    for (const part of ['bef', 'ann', 'bob', 'ore ']) hold(`"${part}" is there`, ann.shown.includes(part))
  },

  'a reader writes nothing': async stage => {
    const [writer] = await stage.synced('writer')
    const doc = new stage.kit.Y.Doc()
    stage.kit.text(doc).insert(0, 'smuggled offline ')
    const reader = stage.client('reader', { doc, params: { readonly: 'yes' } })
    await reader.synced()
    reader.type('smuggled online ')
    // Awareness comes behind the edits on the same line.
    reader.present('name', 'reader')
    await until('the writer sees the reader', () => writer.sees(reader)?.name === 'reader')
    writer.type('from the writer ')
    await until("the reader has the writer's edit", () => reader.shown.includes('from the writer '))
    const [late] = await stage.synced('late')
    await stage.converge(writer, late)
    hold("no client has the reader's edits", late.shown === 'from the writer ')
    hold('the reader stays connected', reader.closes === 0 && reader.provider.wsconnected)
  },

  'an invisible client': async stage => {
    const [ann, watcher] = await stage.synced('ann', 'watcher')
    const hidden = stage.client('hidden', { params: { hidden: 'yes' } })
    await hidden.synced()
    hidden.present('name', 'hidden')
    ann.present('name', 'ann')
    await until('the invisible client sees ann', () => hidden.sees(ann)?.name === 'ann')
    hidden.type('hello')
    await stage.converge(ann, watcher, hidden)
    hold('no client sees the invisible client', !ann.sees(hidden) && !watcher.sees(hidden))
    hold('it stays connected', hidden.closes === 0 && hidden.provider.wsconnected)
  },

  'a client without awareness': async stage => {
    const [ann] = await stage.synced('ann')
    const silent = stage.client('silent', { connect: false })
    silent.awareness.setLocalState(null)
    await silent.reconnect()
    ann.present('name', 'ann')
    await until('the silent client sees ann', () => silent.sees(ann)?.name === 'ann')
    silent.type('hello')
    await stage.converge(ann, silent)
    hold('ann sees only herself', ann.awareness.getStates().size === 1)
  },

  awareness: async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    const appears = cursor => {
      ann.present('cursor', cursor)
      return until(`bob sees ann at ${cursor}`, () => bob.sees(ann)?.cursor === cursor)
    }
    const disappears = why => until(`bob sees that ann is gone: ${why}`, () => bob.sees(ann) === undefined)
    await appears(1)
    await appears(2)
    await ann.disconnect()
    await disappears('she left')
    await ann.reconnect()
    await appears(3)
    await ann.lose()
    await disappears('her connection broke')
    await ann.reconnect()
    await appears(4)
    await ann.disconnect()
    await disappears('she left again')
    await ann.reconnect()
    await appears(5)
    await ann.lose()
    await disappears('her connection broke again')
    const [late] = await stage.synced('late')
    bob.present('name', 'bob')
    await until('a client that joins late sees bob', () => late.sees(bob)?.name === 'bob')
    hold('a client that joins late sees no ghost', late.sees(ann) === undefined)
  },

  'a return with an unchanged state': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    ann.present('cursor', 1)
    await until('bob sees ann', () => bob.sees(ann)?.cursor === 1)
    for (const leave of [() => ann.disconnect(), () => ann.lose()]) {
      await leave()
      await until('bob sees that ann is gone', () => bob.sees(ann) === undefined)
      let flickers = false
      const note = ({ removed }) => { flickers ||= removed.includes(ann.doc.clientID) }
      bob.awareness.on('change', note)
      await ann.reconnect()
      await until('bob sees ann, although her state is the same', () => bob.sees(ann)?.cursor === 1, 5)
      await sleep(300)
      hold('she stays', !flickers && bob.sees(ann)?.cursor === 1 && ann.sees(ann)?.cursor === 1)
      bob.awareness.off('change', note)
    }
  },

  'an impostor': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    ann.present('name', 'ann')
    bob.present('name', 'bob')
    await until('they see each other', () => bob.sees(ann)?.name === 'ann' && ann.sees(bob)?.name === 'bob')
    const id = ann.doc.clientID
    const clock = ann.awareness.meta.get(id).clock
    for (const states of [
      [[id, '{"name":"eve"}'], [id, '{}'], [id, 'null']], // the client id of ann for its own
      [[id ^ 1, '{"name":"eve"}'], [id, '{"name":"eve"}'], [id, '{}'], [id, 'null']]
    ]) {
      const ws = await impostor(stage)
      states.forEach(([id, state], i) => ws.present(id, clock + 1 + i, state))
      await ws.settled()
      hold('ann keeps her name', bob.sees(ann)?.name === 'ann' && ann.sees(ann)?.name === 'ann')
      ann.present('cursor', clock)
      await until('bob sees what ann shows', () => bob.sees(ann)?.cursor === clock)
      ws.close()
    }
    hold('ann was not evicted', ann.closes === 0 && bob.sees(ann).name === 'ann')
  },

  'a reconnect before the server knows that the connection is lost': async stage => {
    for (const user of ['', 'ann']) {
      const bob = stage.client('bob')
      const params = user ? { user } : {}
      const ann = stage.client('ann', { params })
      await Promise.all([ann, bob].map(client => client.synced()))
      ann.present('cursor', 1)
      await until('bob sees ann', () => bob.sees(ann)?.cursor === 1)
      let vanished = false
      bob.awareness.on('change', ({ removed }) => { vanished ||= removed.includes(ann.doc.clientID) })
      ann.sever()
      const again = stage.client('ann again', { params, doc: ann.doc, awareness: ann.awareness })
      await again.synced()
      const start = Date.now()
      again.present('cursor', 2)
      await until('bob sees the new cursor', () => bob.sees(ann)?.cursor === 2, 9)
      hold('the same user does not wait', !user || Date.now() - start < 4000)
      hold('ann was there all the time', !vanished)
      ann.socket.destroy()
      again.present('cursor', 3)
      await until('bob sees the next cursor', () => bob.sees(ann)?.cursor === 3)
      await sleep(200)
      hold('the end of the lost connection removes nothing', bob.sees(ann)?.cursor === 3)
      again.provider.disconnect()
      await until('ann is gone', () => bob.sees(ann) === undefined)
    }
  },

  'a 5 MB paste': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    ann.type('0123456789'.repeat(500_000))
    await until('bob has it', () => bob.shown.length === 5_000_000)
    const [late] = await stage.synced('late')
    await stage.converge(ann, bob, late)
    hold('no connection was closed', ann.closes + bob.closes + late.closes === 0)
  },

  'subprotocol echoed': async stage => {
    if (!stage.kit.subprotocols) return
    const client = stage.client('ann', { protocols: ['first', 'second'] })
    await client.synced()
    hold('the server picked the first', client.provider.ws.protocol === 'first')
  },

  'room names': async stage => {
    const names = [
      // what the client puts into its URL, and the room that it means
      ['with space', 'with space'],
      ['a/b/c', 'a/b/c'],
      [encodeURIComponent('50% & more?#/x'), '50% & more?#/x'],
      ['grüße 中 😀', 'grüße 中 😀'],
      ['a//b', 'a//b'],
      ['/front', '/front'],
      [encodeURIComponent('a/./b/../c'), 'a/./b/../c']
    ].map(([path, name]) => [path + stage.room, name + stage.room])
    const pairs = await Promise.all(names.map(async ([path, name]) => {
      const plain = stage.client('plain ' + path, { room: path })
      const escaped = stage.client('escaped ' + path, { room: encodeURIComponent(name) })
      await plain.synced()
      plain.type(name)
      await stage.converge(plain, escaped)
      return plain
    }))
    for (const [i, [, name]] of names.entries()) hold(`${name} is a room of its own`, pairs[i].shown === name)
    const seen = await stage.ask('/rooms')
    for (const [, name] of names) hold(`the server calls it ${name}`, seen.includes(name))
  },

  // Stock clients hang up when nothing has come for 30 s.
  'a lone idle client stays connected': async stage => {
    const client = stage.client('ann', { connect: false })
    client.awareness.setLocalState(null)
    await client.reconnect()
    await sleep(36_000)
    hold('the connection has lasted', client.closes === 0 && client.provider.wsconnected)
  },

  'frames that mean nothing': async stage => {
    const [ann, bob] = await stage.synced('ann', 'bob')
    let heard = 0
    bob.provider.ws.on('message', data => { if (data.byteLength > 0 && new Uint8Array(data)[0] === 0) heard++ })
    const stranger = new WebSocket(`${stage.url}/ws/${encodeURIComponent(stage.room)}`)
    await new Promise((resolve, reject) => stranger.on('open', resolve).on('error', reject))
    stranger.send('a text frame')
    stranger.send(new Uint8Array([0xc8, 1, 1, 0])) // type 200
    stranger.send(new Uint8Array([9]))
    const answer = new Promise(resolve => stranger.on('message', data => { if (data[0] === 0 && data[1] === 1) resolve() }))
    stranger.send(new Uint8Array([0, 0, 1, 0])) // SyncStep1
    await answer
    ann.type('x')
    await stage.converge(ann, bob)
    hold('bob heard of one edit and nothing else', heard === 1 && bob.awareness.getStates().size === 2 - (bob.sees(ann) ? 0 : 1))
    hold('the stranger is still connected', stranger.readyState === WebSocket.OPEN)
    stranger.terminate()
  }
}

// Two people edit the same kind of content at once.
function edit (kind) {
  return async stage => {
    const clients = await stage.synced('ann', 'bob')
    for (let i = 0; i < 10; i++) {
      for (const { doc, name } of clients) {
        doc.transact(() => stage.kit.edits[kind](doc, name))
      }
      await sleep(1)
    }
    await stage.converge(...clients)
    const shown = JSON.stringify(JSON.parse(stage.kit.show(clients[0].doc))[kind])
    hold(`both edits are there: ${shown}`, shown.includes('ann') && shown.includes('bob'))
    const [late] = await stage.synced('late')
    await stage.converge(...clients, late)
  }
}

// Played alone, because it looks at the memory of the whole server.
export const alone = {
  'a client that stops reading': async stage => {
    const [ann, bob, stalled] = await stage.synced('ann', 'bob', 'stalled')
    const { heap: before } = await stage.ask('/heap')
    stalled.socket.pause()
    stalled.provider.wsLastMessageReceived = Infinity // otherwise it would close the connection after 30 s without a message
    const page = 'a page of text, typed and taken back. '.repeat(7000)
    const pages = 60
    for (let i = 0; i < pages; i++) {
      ann.type(page)
      stage.kit.text(ann.doc).delete(0, page.length)
      if (i % 10 === 0) await until('bob keeps up', () => bob.clocks() === ann.clocks())
    }
    ann.type('the end')
    await stage.converge(ann, bob)
    const { heap: after } = await stage.ask('/heap')
    const typed = pages * page.length
    hold(`the server holds little of the ${typed >> 20} MiB that were typed: ${before >> 20} MiB before, ${after >> 20} MiB after`, after - before < 8 << 20)
    hold('the stalled client has missed something', stalled.clocks() !== ann.clocks())
    stalled.socket.resume()
    await stage.converge(ann, bob, stalled)
    hold('it was never thrown out', stalled.closes === 0)
  }
}

// Played on a server that compresses.
export const compressed = {
  'two clients': scenarios['two clients'],

  'large documents': async stage => {
    const [ann] = await stage.synced('ann')
    const text = 'what people write, they write again and again. '.repeat(1000)
    ann.type(text)
    const [bob] = await stage.synced('bob')
    await stage.converge(ann, bob)
    const joined = bob.socket.bytesRead
    hold(`bob has read ${joined} bytes to join`, joined < text.length / 10)
    ann.type(text)
    await stage.converge(ann, bob)
    const read = bob.socket.bytesRead - joined
    hold(`bob has read another ${read} bytes`, read < text.length / 10)
    const sent = ann.socket.bytesWritten
    hold(`ann has sent ${sent} bytes`, sent < text.length / 10)
  }
}
