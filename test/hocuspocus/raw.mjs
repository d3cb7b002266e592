// Scenarios of frames that no provider sends, or not in this order.

import { frame, frames, type } from './frames.mjs'
import { hold, opened, sleep, until } from './stage.mjs'
import { typed } from './update.mjs'

// Sends frames to an open document, for which the server closes the document and nothing else.
const closes = (reason, send) => async stage => {
  const raw = await opened(stage)
  const other = stage.room + ' 2'
  raw.send(frames.token(other, 'writer'))
  await raw.receive({ address: other, type: 'authenticated' })
  raw.send(...send(stage.room))
  const { text } = await raw.receive({ address: stage.room, type: 'close' })
  hold(`the reason is told: ${text}`, text === reason)
  raw.send(frames.stateless(other, 'echo:goes on'))
  await raw.receive({ address: other, text: 'goes on' })
  hold('the socket is open', !raw.closed)
  raw.send(frames.token(stage.room, 'writer'))
  await until('the document is opened again', () => raw.received.filter(({ address, type }) => address === stage.room && type === 'authenticated').length === 2)
}

// Sends frames before any token, and is closed.
const excess = (code, send) => async stage => {
  const raw = await stage.raw('raw').opened()
  for (const frame of send(stage.room)) raw.send(frame)
  await until('the socket is closed', () => raw.closed, 20)
  hold(`the code is ${raw.closed.code} ${raw.closed.reason}`, raw.closed.code === code)
}

const times = (n, make) => Array.from({ length: n }, (_, i) => make(i))

export const raw = {
  'frame: CLOSE': closes('provider_initiated', room => [frames.close(room)]),
  'frame: BroadcastStateless': closes('Reset Connection', room => [frame(room, type.broadcast, 'to all')]),
  'frame: a sync message of another kind': closes('Reset Connection', room => [frame(room, type.sync, 3, [0])]),

  'frame: another type': async stage => {
    const raw = await opened(stage)
    raw.send(frame(stage.room, 77, 'what?'))
    raw.send(frames.stateless(stage.room, 'echo:goes on'))
    await raw.receive({ text: 'goes on' })
  },

  'frame: edits before the token': async stage => {
    const raw = await stage.raw('raw').opened()
    const update = typed(7, 0, 'x')
    raw.send(frames.update(stage.room, update))
    await sleep(100)
    hold('nothing is answered', raw.received.length === 0)
    raw.send(frames.token(stage.room, 'writer'))
    await raw.receive({ type: 'status', applied: 1 })
    await raw.receive({ type: 'update' })
    hold('the edit is stored', (await stage.stored()).getText('text').toString() === 'x')
  },

  'frame: edits after a refusal': async stage => {
    const raw = await stage.raw('raw').opened()
    raw.send(frames.token(stage.room, 'nonsense'))
    await raw.receive({ type: 'denied' })
    raw.send(frames.update(stage.room, typed(7, 0, 'x')))
    await sleep(100)
    raw.send(frames.token(stage.room, 'writer'))
    await raw.receive({ type: 'status', applied: 1 })
    await raw.receive({ type: 'update' })
  },

  'frame: edits before the token of a reader': async stage => {
    const raw = await stage.raw('raw').opened()
    raw.send(frames.update(stage.room, typed(7, 0, 'x')), frames.token(stage.room, 'reader'))
    await raw.receive({ type: 'status', applied: 0 })
    hold('the edit is not stored', (await stage.stored()).getText('text').toString() === '')
  },

  'frame: a reader that has nothing new': async stage => {
    const [ann] = await stage.synced('ann')
    ann.type('x')
    await ann.settled()
    const raw = await stage.raw('raw').opened()
    raw.send(frames.token(stage.room, 'reader'), frames.step1(stage.room), frames.step2(stage.room))
    await raw.receive({ type: 'status', applied: 1 })
    const { update } = await raw.receive({ type: 'step2' })
    raw.send(frames.step1(stage.room), frames.step2(stage.room, update))
    await until('what the server has is acknowledged', () => raw.received.filter(({ applied }) => applied === 1).length === 2)
    raw.send(frames.step2(stage.room, typed(7, 0, 'new')))
    await raw.receive({ type: 'status', applied: 0 })
  },

  'frame: documents of two sessions': async stage => {
    const raw = await stage.raw('raw').opened()
    const addresses = ['one', 'two'].map(session => `${stage.room}\0${session}`)
    for (const address of addresses) {
      raw.send(frames.token(address, 'writer', '4.8.0'), frames.step1(address))
      await raw.receive({ address, type: 'step2' })
    }
    raw.send(frames.update(addresses[0], typed(7, 0, 'x')))
    for (const address of addresses) await raw.receive({ address, type: 'update' })
    raw.send(frames.close(addresses[0]))
    await raw.receive({ address: addresses[0], type: 'close' })
    raw.send(frames.stateless(addresses[1], 'echo:goes on'))
    await raw.receive({ address: addresses[1], text: 'goes on' })
  },

  'frame: too many before the token': excess(4205, room => times(1001, () => frames.step1(room))),
  'frame: too much before the token': excess(4205, room => times(6, () => frames.update(room, new Uint8Array(1 << 20)))),
  'frame: too many documents before the token': excess(4205, room => times(101, i => frames.step1(room + i)))
}
