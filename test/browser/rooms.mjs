// What operators do with the pages about rooms.

import * as Y14 from '@y/y'
import { kits } from '../clients/kits.mjs'
import * as demos from './demos.mjs'
import { look } from './looks.mjs'
import { hold, until } from './until.mjs'

export const rooms = {}

rooms['the room pages'] = async stage => {
  const [[ann], [bob], cem] = [await stage.meet(demos.prosemirror, 'Ann'), await stage.meet(demos.board, 'Bob'), await stage.person('Cem')]
  await demos.prosemirror.furnish(ann.page)
  await demos.board.furnish(bob.page)
  await ann.sees('#served', 'web-1')
  await cem.show('/rooms')
  await cem.sees('#rooms', stage.room)
  await cem.sees('#count', 'Listed by web-1.')
  await cem.page.locator('#rooms a', { hasText: stage.room }).click()
  for (const { name } of [ann, bob]) await cem.sees('#people', name)
  await cem.page.getByText('start the server with --api-token-file').waitFor()
  hold('without the document API, no connection can be changed', !await cem.page.getByRole('button', { name: /^Expel/ }).first().isVisible())
  await cem.sees('#worker', 'web-1')
  for (const line of ['A room with a view', 'Bake bread']) await cem.sees('#roots', line)
  await demos.prosemirror.add(ann.page, ', and more')
  await cem.sees('#roots', ', and more')
  await cem.page.locator('#view').selectOption('text')
  await cem.sees('#roots', '<paragraph>Everyone who has the link')
  await demos.prosemirror.add(ann.page, ', and more than that')
  await cem.sees('#roots', ', and more than that')
  await look(stage, cem, 'room as text')
  await cem.page.locator('#view').selectOption('tree')

  // The document comes before the people, and what they publish is folded.
  const [document, people] = await Promise.all(['#document-title', '#people-title'].map(async id => (await cem.page.locator(id).boundingBox()).y))
  hold('the document is above the people', document < people)
  const state = cem.page.locator('#people pre').first()
  hold('awareness is folded', !await state.isVisible())
  await cem.page.locator('#people summary').first().focus()
  await cem.page.keyboard.press('Enter')
  await state.waitFor()
  hold(`awareness is JSON: ${await state.innerText()}`, (await state.innerText()).includes('"user"'))
  await look(stage, cem, 'room')
  await bob.leave()
  await cem.misses('#people', 'Bob')
}

rooms['many rooms, by keyboard alone'] = async stage => {
  const { url, token } = await stage.own({ api: true })
  const { Y } = await kits['y-websocket 3']()
  const create = async (name, letters) => {
    const doc = new Y.Doc()
    doc.getText('codemirror').insert(0, letters)
    const answer = await fetch(`${url}/api/rooms/${encodeURIComponent(name)}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/octet-stream', 'If-None-Match': '*' },
      body: Y.encodeStateAsUpdate(doc)
    })
    hold(`${name} is created: ${answer.status}`, answer.ok)
  }
  for (let i = 0; i < 250; i++) await create(`notes/${String(i).padStart(3, '0')}`, 'x'.repeat(i + 1))
  await create('A large one', 'x'.repeat(5000))
  const [ann] = await stage.meet(demos.codemirror, 'Ann')
  await ann.write()
  const cem = await stage.person('Cem')
  const { page } = cem
  const names = () => page.locator('#rooms a').allInnerTexts()
  const lists = async (wanted, ...first) => {
    let seen
    await until(() => `${wanted} rooms from ${first} on are listed, not ${seen.length} from ${seen.slice(0, 3)} on`, async () => {
      seen = await names()
      return seen.length === wanted && first.every((name, i) => seen[i] === name)
    })
  }
  const press = async name => {
    await page.getByRole('button', { name, exact: true }).focus()
    await page.keyboard.press('Enter')
  }

  await cem.show('/rooms')
  await lists(200, 'A large one', stage.room, 'notes/000')
  await cem.sees('#count', '252 rooms: ')
  await cem.sees('#count', 'with 1 person on 1 connection')
  await cem.sees('#range', '1 to 200 of 252')
  await look(stage, cem, 'rooms')
  await page.setViewportSize({ width: 1280, height: 800 })

  await press('Size')
  await lists(200, 'A large one')
  hold('the column says so', await page.locator('[data-sort=size]').getAttribute('aria-sort') === 'descending')
  await cem.sees('#told', 'Sorted by Size, descending')
  hold('the button keeps the focus', await page.evaluate(() => document.activeElement.innerText) === 'Size')
  await press('Next')
  await lists(52)
  await cem.sees('#range', '201 to 252 of 252')
  await page.reload()
  await lists(52)
  await press('Previous')
  await lists(200, 'A large one')
  await press('Size')
  await until('the smallest is the first', async () => /^(notes\/000|many-rooms)/.test((await names())[0]))

  await page.locator('#search').focus()
  await page.keyboard.type('NOTES/01')
  await lists(10, 'notes/010', 'notes/011')
  await cem.sees('#count', '10 rooms: ')
  hold('there is no pager', !await page.locator('#pager').isVisible())
  await page.keyboard.type('x')
  await cem.sees('#none', 'No room matches.')
  await page.locator('#search').fill('')
  await page.locator('#show').selectOption('open')
  await until('the open rooms are listed', async () => (await names()).includes(stage.room) && (await names()).length < 252)
  await page.locator('#show').selectOption('failed')
  await cem.sees('#none', 'No room matches.')
  await page.locator('#show').selectOption('')

  // A room that a person looks into is one only while they do.
  const bob = await stage.person('Bob')
  await bob.open(demos.codemirror, { room: 'looked-into', readonly: true })
  await page.locator('#search').fill('looked')
  await lists(1, 'looked-into')
  await cem.sees('#rooms', 'open, nothing stored')
  await cem.sees('#count', '1 open, with 1 person on 1 connection; 0 stored and not open')
  await bob.leave()
  await lists(0)
}

// However large a document is, the tree shows a part of it, and more by the keyboard.
rooms['the tree of a large document'] = async stage => {
  await stage.own({ api: true })
  const { url, token } = stage.server
  const { Y } = await kits['y-websocket 3']()
  const doc = new Y.Doc()
  const send = async () => {
    const answer = await fetch(`${url}/api/rooms/${stage.room}`, { method: 'POST', body: Y.encodeStateAsUpdate(doc), headers: { Authorization: `Bearer ${token}` } })
    hold(`the document is stored: ${answer.status}`, answer.ok)
  }
  const list = doc.getArray('list')
  list.push(Array.from({ length: 500 }, (_, i) => ({ number: i, nested: { bytes: new Uint8Array([1, 171]), none: null, big: 1234567890123456789n, long: 'x'.repeat(5000) } })))
  doc.getMap('map').set('text', new Y.Text('a text'))
  doc.getMap('map').set('document', new Y.Doc({ guid: 'inner' }))
  doc.getText('text').applyDelta([{ insert: 'plain ' }, { insert: 'bold', attributes: { bold: true } }, { insert: { image: 'a.png' } }])
  await send()
  const ann = await stage.person('Ann')
  const { page } = ann
  await ann.show(`/rooms/${stage.room}`)
  await ann.sees('#roots', '300 more')
  const items = () => page.locator('[aria-level="2"]').count()
  const before = await items()
  hold(`a part of the list is shown: ${before}`, before < 210)
  await page.getByRole('treeitem', { name: '300 more' }).focus()
  await page.keyboard.press('Enter')
  await ann.sees('#roots', '100 more')
  hold('it shows 200 more', await items() === before + 200)

  const line = n => page.getByRole('treeitem', { name: new RegExp(`^${n} object`) })
  await line(3).focus()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  for (const part of ['01ab', 'null', '1234567890123456789n', 'subdocument', 'a text', '"plain "', 'bold', 'a.png']) await ann.sees('#roots', part)
  hold('long texts are cut', (await ann.text('#roots')).length < 100_000)

  // What is added before an open element doesn't close it, and leaves the focus where it was.
  list.insert(0, ['the first'])
  await send()
  await ann.sees('#roots', 'the first')
  hold('it is open', await line(4).getAttribute('aria-expanded') === 'true')
  hold('the focus is in it', await line(4).evaluate(line => line.contains(document.activeElement)))
  await line(4).focus()
  list.delete(4)
  await send()
  await until('the next element has the focus', () => page.evaluate(() => document.activeElement.textContent.startsWith('4 object') && document.activeElement.textContent.includes('number: 4')))
  list.delete(0, list.length)
  for (const key of ['text', 'document']) doc.getMap('map').delete(key)
  doc.getText('text').delete(0, doc.getText('text').length)
  await send()
  await until('the document is empty', () => page.getByText('The document is empty.').isVisible())
}

rooms['the room page of a document by yjs 14'] = async stage => {
  await stage.own({ api: true })
  const { url, token } = stage.server
  const doc = new Y14.Doc()
  const root = doc.get('prosemirror')
  root.insert(0, [new Y14.Type('paragraph'), new Y14.Type('heading')], { comment: { id: 1 } })
  root.get(0).insert(0, 'plain ')
  root.get(0).insert(6, 'strong', { strong: {} })
  root.get(1).setAttr('level', 2)
  const answer = await fetch(`${url}/api/rooms/${stage.room}`, { method: 'POST', body: Y14.encodeStateAsUpdate(doc), headers: { Authorization: `Bearer ${token}` } })
  hold(`the document is stored: ${answer.status}`, answer.ok)
  const ann = await stage.person('Ann')
  await ann.show(`/rooms/${stage.room}`)
  await ann.sees('#roots', 'plain strong')
  await ann.page.locator('#view').selectOption('text')
  for (const line of ['<paragraph>plain <strong>strong</strong></paragraph>', '<heading level="2"/>']) await ann.sees('#roots', line)
}

rooms['the dashboard'] = async stage => {
  const { token } = await stage.own({ api: true, settings: 'log_level: error\n' })
  const cem = await stage.person('Cem')
  const { page } = cem
  await cem.show('/rooms')
  const graph = label => page.getByRole('slider', { name: `${label}, last hour` })
  const shows = label => graph(label).getAttribute('aria-valuetext')
  await until('no one is connected', async () => await shows('Connections') === '0 now')
  await cem.sees('#processes', 'ready')
  await cem.sees('#log-of', 'None in the last hour.')

  // A graph moves, and so do the figures of the process and of the room.
  const people = await stage.meet(demos.codemirror, 'Ann', 'Bob')
  const [ann, bob] = people
  await until('the graph shows both', async () => await shows('Connections') === '2 now')
  let letters = 0
  await until(() => `the graph of edits moves after ${letters} letters`, async () => {
    await ann.write(5)
    letters += 5
    return !(await shows('Edits a second')).startsWith('0 ')
  })
  const line = await graph('Edits a second').locator('.line').getAttribute('d')
  hold(`it has a line: ${line}`, line.includes('L'))
  await cem.sees('#processes', 'consumer, worker')
  await until('the room has edits', async () => Number(await page.locator('#rooms tr').first().locator('td').nth(3).innerText()) > 0)

  // What the server logs as a warning is on the page.
  for (let i = 0; i < 3; i++) await fetch(`${stage.server.url}/ws/${stage.room}`, { headers: { Origin: 'http://elsewhere.example' } })
  await cem.sees('#log', 'elsewhere.example')
  await cem.sees('#log', '3 times')
  await until('the graph of warnings moves', async () => !(await shows('Warnings and errors')).startsWith('0 '))

  // By the keyboard, a graph shows earlier moments, all of them at once.
  await graph('Connections').focus()
  await page.keyboard.press('ArrowLeft')
  await cem.sees('#when', '1 minute ago')
  hold('all graphs do', (await shows('Rooms in memory')).endsWith(' 1 minute ago'))
  await page.keyboard.press('Home')
  await cem.sees('#when', '10 minutes ago')
  hold('nothing is known of that time', (await shows('Connections')).startsWith('– '))
  await page.keyboard.press('Escape')
  await until('it is now again', async () => await cem.text('#when') === '')
  await page.keyboard.press('/')
  hold('the slash goes to the search', await page.evaluate(() => document.activeElement.id) === 'search')
  await page.evaluate(() => scrollTo(0, 0))
  await look(stage, cem, 'dashboard')
  await page.setViewportSize({ width: 1280, height: 800 })

  // The room: its tree follows what is written.
  await page.locator('#rooms a', { hasText: stage.room }).click()
  await cem.sees('#roots', ann.written)
  const root = page.getByRole('treeitem', { name: /^codemirror/ })
  await root.focus()
  hold('the root is open', await root.getAttribute('aria-expanded') === 'true')
  await page.keyboard.press('ArrowLeft')
  hold('the left arrow closes it', await root.getAttribute('aria-expanded') === 'false')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  hold('the right arrow opens it, and goes into it', await page.evaluate(() => document.activeElement.getAttribute('aria-level')) === '2')
  await bob.write()
  await cem.sees('#roots', bob.written)
  hold('the focus stays', await page.evaluate(() => document.activeElement.getAttribute('aria-level')) === '2')

  // Someone may only read, until they may write again. The server asks for its token.
  const row = page.locator('#people > li', { hasText: 'Bob' })
  await row.getByRole('button', { name: /^Make read-only/ }).click()
  await page.locator('#control-token').fill('a-wrong-token-of-anyone')
  await page.locator('#control-send').click()
  await cem.sees('#control-problem', 'This is not the server’s API token.')
  cem.complaints.length = 0 // the console has the status 401
  await look(stage, cem, 'dialog')
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.locator('#control-token').fill(token)
  await page.keyboard.press('Enter')
  await page.locator('#control').waitFor({ state: 'hidden' })
  await cem.sees('#told', 'may only read')
  await cem.sees('#people', 'read only')
  const before = bob.written
  await bob.write(3)
  await ann.write()
  await until('Ann sees her own', async () => ann.own(await ann.lines()) === ann.written)
  hold('what Bob writes reaches no one', bob.own(await ann.lines()) === before && bob.own(await stage.held(demos.codemirror)) === before)
  await row.getByRole('button', { name: /^Allow writing/ }).click()
  await page.locator('#control-send').click()
  await page.locator('#control').waitFor({ state: 'hidden' })
  await until('Bob may write', async () => (await row.innerText()).includes('may write'))

  // Someone is expelled, and is told why.
  await row.getByRole('button', { name: /^Expel/ }).click()
  await page.locator('#reason').fill('The meeting is over.')
  await page.locator('#control-send').focus()
  await page.keyboard.press('Enter')
  await cem.misses('#people', 'Bob')
  await bob.sees('#reason', 'The meeting is over.')
  await cem.sees('#told', 'was expelled')
  await look(stage, cem, 'room as tree')
}
