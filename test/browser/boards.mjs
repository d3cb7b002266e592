// What people do with a board.

import { between, keyOf } from '../../web/pages/board/key.js'
import { kits } from '../clients/kits.mjs'
import { Stage as Clients } from '../clients/stage.mjs'
import { board } from './demos.mjs'
import { focused, look } from './looks.mjs'
import { hold, until } from './until.mjs'

export const boards = {}

const { add } = board

// The board as a page shows it: the titles, each with its cards.
const shown = ({ page }) => page.evaluate(() => [...document.querySelectorAll('.column')].map(column =>
  `${column.querySelector('.title').value}: ${[...column.querySelectorAll('textarea')].map(card => card.value)}`).join('; '))

async function shows (wanted, ...people) {
  for (const person of people) {
    let last
    await until(() => `${person.name} sees ${wanted}, not ${last}`, async () => {
      last = await shown(person)
      return last === wanted
    })
  }
}

// The handle of a card, by its text.
const handle = ({ page }, text) => page.getByRole('button', { name: `Move: ${text}`, exact: true })

const field = async ({ page }, text) => {
  const at = await page.evaluate(text => [...document.querySelectorAll('.card textarea')].findIndex(({ value }) => value === text), text)
  return page.locator('.card textarea').nth(at)
}

const middle = async locator => {
  const { x, y, width, height } = await locator.boundingBox()
  return { x: x + width / 2, y: y + height / 2 }
}

boards['board, the keys of its order'] = async () => {
  const keys = [keyOf(0), keyOf(1), keyOf(61), keyOf(62), keyOf(5000), keyOf(Infinity)]
  for (let i = 0; i < 3000; i++) {
    const at = [0, keys.length, i % (keys.length + 1), 3][i % 4]
    const [low, high] = [keys[at - 1] ?? '', keys[at] ?? '']
    const key = between(low, high)
    hold(`${key} is between ${low} and ${high}`, low < key && (high === '' || key < high))
    keys.splice(at, 0, key)
  }
  const longest = Math.max(...keys.map(key => key.length))
  hold(`the longest key has ${longest} characters`, longest < 200)
  // Keys that other programs have written may be invalid, or not in order.
  for (const [low, high] of [['V', 'V'], ['W', 'V'], ['V', 'V0'], ['V', 'V000'], ['é', 'ü'], ['', '0']]) {
    hold(`a key after ${low}`, between(low, high) > low || low === 'é')
  }
}

boards['board, two at one card'] = async stage => {
  const [ann, bob] = await stage.meet(board, 'Ann', 'Bob')
  for (const text of ['bread', 'butter', 'jam']) await add(ann.page, text)
  await shows('To do: bread,butter,jam; Doing: ; Done: ', bob)
  const type = async (person, at, letters) => {
    await person.page.locator('.card textarea').nth(at).click()
    await person.page.keyboard.press('Control+End')
    await person.page.keyboard.type(letters, { delay: 10 })
  }
  await Promise.all([type(ann, 1, ' 0123456789'), type(bob, 1, ' NOPQRSTUVW')])
  await ann.sees('.here', 'Bob')
  await bob.sees('.here', 'Ann')
  await stage.picture(ann, 'board, two at one card')
  const [, both] = await stage.converge(ann, bob)
  for (const letters of ['butter', '0123456789', 'NOPQRSTUVW']) {
    hold(`${letters} is in order in ${both}`, [...both].filter(letter => letters.includes(letter)).join('') === letters)
  }

  // Ann moves it, and Bob types before he receives that.
  await bob.stall(true)
  await ann.page.keyboard.press('Alt+ArrowDown')
  await type(bob, 1, 'XYZ')
  await bob.stall(false)
  const lines = await stage.converge(ann, bob)
  hold(`it is moved and has what Bob typed: ${lines}`, lines.length === 3 && lines[2].startsWith('butter') && lines[2].endsWith('XYZ'))
}

// Of two moves of a card at the same time one takes effect: the card is on the board once, and others stay where they are.
boards['board, two move one card at once'] = async stage => {
  const [ann, bob] = await stage.meet(board, 'Ann', 'Bob')
  for (const text of ['bread', 'butter', 'jam']) await add(ann.page, text)
  await shows('To do: bread,butter,jam; Doing: ; Done: ', bob)
  const moves = [
    [['ArrowRight'], ['ArrowRight', 'ArrowRight'], ['To do: bread,jam; Doing: butter; Done: ', 'To do: bread,jam; Doing: ; Done: butter']],
    [['ArrowUp'], ['ArrowDown'], null],
    [['ArrowLeft'], ['ArrowDown'], null],
    [['ArrowRight', 'ArrowLeft', 'ArrowRight'], ['ArrowLeft'], null]
  ]
  for (const [anns, bobs, allowed] of moves) {
    await bob.stall(true)
    for (const [person, keys] of [[ann, anns], [bob, bobs]]) {
      await handle(person, 'butter').focus()
      for (const key of keys) await person.page.keyboard.press(key)
    }
    const wanted = [await shown(ann), await shown(bob)]
    await bob.stall(false)
    const lines = await stage.converge(ann, bob)
    hold(`each card is there once: ${lines}`, [...lines].sort().join() === 'bread,butter,jam')
    const seen = await shown(ann)
    hold(`${seen} is what one of them did: ${wanted}`, (allowed ?? wanted).includes(seen))
    await shows(seen, bob)
  }

  // Each moves another card to the same place, and both do so with all cards.
  await bob.stall(true)
  for (const [person, texts] of [[ann, ['bread', 'butter', 'jam']], [bob, ['jam', 'butter', 'bread']]]) {
    for (const text of texts) {
      await handle(person, text).focus()
      for (let i = 0; i < 2; i++) await person.page.keyboard.press('ArrowRight')
    }
  }
  await bob.stall(false)
  const lines = await stage.converge(ann, bob)
  hold(`each card is there once: ${lines}`, [...lines].sort().join() === 'bread,butter,jam')
  hold(`all are done: ${await shown(ann)}`, (await shown(ann)).startsWith('To do: ; Doing: ; Done: '))
}

boards['board, a column that is deleted while a card is moved into it'] = async stage => {
  const [ann, bob] = await stage.meet(board, 'Ann', 'Bob')
  await add(ann.page, 'bread')
  await add(ann.page, 'butter', 1)
  await shows('To do: bread; Doing: butter; Done: ', bob)
  await bob.stall(true)
  await ann.page.getByRole('button', { name: 'Delete the column Doing' }).click()
  await ann.sees('#told', 'Deleted. Its cards are in To do.')
  await handle(bob, 'bread').focus()
  await bob.page.keyboard.press('ArrowRight')
  await shows('To do: ; Doing: bread,butter; Done: ', bob)
  await bob.stall(false)
  await shows('To do: bread,butter; Done: ', ann, bob)
  await ann.page.locator('#undo').click()
  await shows('To do: ; Doing: bread,butter; Done: ', ann, bob)
}

// Two people open a new board at once: it has its columns once, and a column that both name has one of the names.
boards['board, columns'] = async stage => {
  const [ann, bob] = await stage.meet(board, 'Ann', 'Bob')
  const name = async (person, at, title) => {
    await person.page.locator('.title').nth(at).fill(title)
    await person.page.keyboard.press('Enter')
  }
  await Promise.all([name(ann, 0, 'Ideas'), name(bob, 2, 'Finished')])
  await shows('Ideas: ; Doing: ; Finished: ', ann, bob)
  await Promise.all([ann, bob].map(async ({ page, name }) => {
    await page.locator('#new-column').fill(name)
    await page.keyboard.press('Enter')
    hold('the new column has the focus', await page.evaluate(() => document.activeElement.ariaLabel) === `New card in ${name}`)
    await page.keyboard.type(`card of ${name}`)
    await page.keyboard.press('Enter')
  }))
  await until('both have both', async () => (await Promise.all([ann, bob].map(shown))).every(text => text.includes('Ann: card of Ann') && text.includes('Bob: card of Bob')))
  await shows(await shown(ann), bob)

  // An empty name is none.
  await name(ann, 0, '  ')
  hold('the name is as it was', (await shown(ann)).startsWith('Ideas: '))
  for (let left = 5; left > 1; left--) await ann.page.locator('.column-head .delete').first().click()
  await until('both see one column', async () => (await Promise.all([ann, bob].map(shown))).every(text => /^(Ann|Bob): card of (Ann,card of Bob|Bob,card of Ann)$/.test(text)))
  hold('the last column can not be deleted', await ann.page.locator('.column-head .delete').isDisabled())

  // Each deletes another of the last two.
  await name(ann, 0, 'One')
  await ann.page.locator('#new-column').fill('Two')
  await ann.page.keyboard.press('Enter')
  await until('Bob sees both columns', async () => (await shown(bob)).includes('Two'))
  await bob.stall(true)
  await ann.page.locator('.column-head .delete').first().click()
  await bob.page.locator('.column-head .delete').last().click()
  await bob.stall(false)
  await until('both see all cards', async () => (await Promise.all([ann, bob].map(shown))).every(text => /^To do: card of (Ann,card of Bob|Bob,card of Ann)$/.test(text)))
}

boards['board, by keyboard alone'] = async stage => {
  const [ann] = await stage.meet(board, 'Ann')
  const { page } = ann
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key) }
  for (const text of ['bread', 'butter', 'jam']) await add(page, text)
  await handle(ann, 'bread').focus()
  await press('ArrowDown')
  await shows('To do: butter,bread,jam; Doing: ; Done: ', ann)
  await ann.sees('#told', 'Moved to To do, 2 of 3')
  await press('ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowUp')
  await shows('To do: butter,jam; Doing: ; Done: bread', ann)
  await ann.sees('#told', 'Moved to Done, 1 of 1')
  hold('the handle keeps the focus', await page.evaluate(() => document.activeElement.ariaLabel) === 'Move: bread')

  // The handle opens a list of places.
  await press('Enter')
  await page.locator('#move-dialog').waitFor()
  await look(stage, ann, 'board, places')
  await page.setViewportSize({ width: 1280, height: 800 })
  const places = await page.locator('#move-places button').allInnerTexts()
  hold(`these are the places: ${places}`, places.join() === 'To “To do”,To “Doing”')
  await page.getByRole('button', { name: 'To “Doing”' }).press('Enter')
  await shows('To do: butter,jam; Doing: bread; Done: ', ann)
  await press('Enter', 'Escape')
  hold('the handle has the focus again', await page.evaluate(() => document.activeElement.ariaLabel) === 'Move: bread')

  await press('Tab', 'Enter') // a new card after it
  await page.keyboard.type('toast')
  await shows('To do: butter,jam; Doing: bread,toast; Done: ', ann)
  await press('Alt+ArrowUp')
  await shows('To do: butter,jam; Doing: toast,bread; Done: ', ann)
  for (let i = 0; i <= 'toast'.length; i++) await press('Backspace')
  await shows('To do: butter,jam; Doing: bread; Done: ', ann)
  hold('the next card has the focus', await focused(page) === 'editor' && await page.evaluate(() => document.activeElement.value) === 'bread')
  await press('Control+z')
  await shows('To do: butter,jam; Doing: ,bread; Done: ', ann)
  await press('Control+z')
  await shows('To do: butter,jam; Doing: toast,bread; Done: ', ann)
}

boards['board, by mouse and by touch'] = async stage => {
  const [ann, bob] = await stage.meet(board, 'Ann', 'Bob')
  const { page } = ann
  for (const text of ['bread', 'butter', 'jam']) await add(page, text)
  await page.mouse.move(...Object.values(await middle(handle(ann, 'bread'))))
  await page.mouse.down()
  const done = await middle(page.locator('.column').nth(2))
  await page.mouse.move(done.x, done.y, { steps: 5 })
  await stage.picture(ann, 'board, a card is dragged')
  await page.mouse.up()
  await shows('To do: butter,jam; Doing: ; Done: bread', ann, bob)
  hold('a drag opens no dialog', !await page.locator('#move-dialog').isVisible())

  // Escape ends a drag, and a press opens the dialog.
  await page.mouse.move(...Object.values(await middle(handle(ann, 'jam'))))
  await page.mouse.down()
  await page.mouse.move(done.x, done.y, { steps: 5 })
  await page.keyboard.press('Escape')
  await page.mouse.up()
  await shows('To do: butter,jam; Doing: ; Done: bread', ann)
  await handle(ann, 'jam').click()
  await page.getByRole('button', { name: 'To “Doing”' }).click()
  await shows('To do: butter; Doing: jam; Done: bread', ann, bob)

  // On a phone the columns are below each other.
  await bob.page.setViewportSize({ width: 390, height: 700 })
  const session = await bob.context.newCDPSession(bob.page)
  const touch = (type, at) => session.send('Input.dispatchTouchEvent', { type, touchPoints: at ? [at] : [] })
  await handle(bob, 'butter').scrollIntoViewIfNeeded()
  await touch('touchStart', await middle(handle(bob, 'butter')))
  for (let i = 0; i < 3; i++) await touch('touchMove', { x: 60 + i, y: 690 }) // at the edge the page scrolls
  await until('the page scrolls', async () => (await handle(bob, 'bread').boundingBox()).y < 600)
  await touch('touchMove', { x: 60, y: 400 }) // and here it stops
  let place
  await until('the page has stopped', async () => {
    const before = place?.y
    place = await middle(handle(bob, 'bread'))
    return place.y === before
  })
  for (const by of [30, 20, 12]) await touch('touchMove', { x: place.x, y: place.y + by })
  await touch('touchEnd')
  await until('Ann sees it', async () => /^To do: ; Doing: (jam)?; Done: /.test(await shown(ann)))
  const lines = await stage.converge(ann, bob)
  hold(`each card is there once: ${lines}`, [...lines].sort().join() === 'bread,butter,jam')
  await bob.page.setViewportSize({ width: 1280, height: 800 })
}

// A to-do list of version 0.1.0: what is done is in the column "Done".
boards['board, a list of an earlier version'] = async stage => {
  const clients = new Clients(await kits['y-websocket 3'](), stage.server.url.replace('http:', 'ws:'), stage.room)
  const [old] = await clients.synced('an earlier version')
  const { Y } = clients.kit
  const items = old.doc.getMap('board')
  old.doc.transact(() => {
    for (const [id, text, done] of [['3', 'bread', false], ['1', 'butter', true], ['2', 'jam', false], ['0', 'not in the order', false]]) {
      items.set(id, new Y.Map([['text', new Y.Text(text)], ['done', done]]))
      if (id !== '0') old.doc.getArray('board-order').push([id])
    }
    old.doc.getArray('board-order').push(['3', 'none']) // moved by two users at once, and deleted
  })
  const cem = await stage.person('Cem')
  await cem.open(board, { readonly: true })
  await shows('To do: jam,bread,not in the order; Doing: ; Done: butter', cem)
  const [ann] = await stage.meet(board, 'Ann')
  await handle(ann, 'jam').focus()
  await ann.page.keyboard.press('ArrowDown')
  await handle(ann, 'butter').focus()
  await ann.page.keyboard.press('ArrowLeft')
  await add(ann.page, 'milk')
  await shows('To do: bread,jam,not in the order,milk; Doing: butter; Done: ', ann, cem)
  await (await field(ann, 'bread')).press('End')
  await ann.page.keyboard.type('!')
  await shows('To do: bread!,jam,not in the order,milk; Doing: butter; Done: ', ann, cem)
  clients.end()
}

boards['board, what is no card or column'] = async stage => {
  const [ann, bob] = await stage.meet(board, 'Ann', 'Bob')
  await ann.write()
  const clients = new Clients(await kits['y-websocket 3'](), stage.server.url.replace('http:', 'ws:'), stage.room)
  const [program] = await clients.synced('a program')
  const { doc } = program
  const { Y } = clients.kit
  doc.transact(() => {
    doc.getMap('board').set('2', 'no card')
    doc.getMap('board').set('3', new Y.Map([['text', 'no text']]))
    doc.getMap('board').set('4', new Y.Map([['text', new Y.Text('lost')], ['place', { column: 'nowhere', key: 'zz' }]]))
    doc.getMap('board').set('5', new Y.Map([['text', new Y.Text('found')], ['place', 7]]))
    for (const [id, value] of Object.entries({ a: 1, b: null, c: { title: 'no key' }, __proto__: { title: 'x', key: 'x' } })) doc.getMap('board-columns').set(id, value)
    doc.getArray('board-order').insert(0, ['2', '3', 7, { no: 'id' }])
  })
  await shows('To do: found,abc,def,lost; Doing: ; Done: ', ann, bob)
  await bob.write()
  await shows('To do: found,abc,def,lost,012,345; Doing: ; Done: ', ann, bob)
  clients.end()
}
