// What people do with the demos. Each scenario has a room of its own.

import * as demos from './demos.mjs'
import { focused, leave, look, named, tabTo } from './looks.mjs'
import { hold, until } from './until.mjs'

export const scenarios = {}

// The bar stays on screen while the rest scrolls.
async function scroll ({ page, demo }) {
  for (const size of [{ width: 390, height: 600 }, { width: 1280, height: 500 }]) {
    await page.setViewportSize(size)
    const scrolled = await page.evaluate(() => {
      const main = document.querySelector('main')
      for (const element of [main, document.scrollingElement]) element.scrollTop = element.scrollHeight
      return main.scrollTop
    })
    hold('there is something to scroll', scrolled > 0)
    const { y } = await page.locator('.bar').boundingBox()
    hold(`the bar is at the top, not at ${y}`, y === 0)
    const roots = await page.locator('#roots').boundingBox()
    hold('the end of the page can be reached', roots.y + roots.height <= size.height)
  }
  if (demo.carets) { // what is written comes into sight
    await page.evaluate(() => { document.querySelector('main').scrollTop = 0 })
    await demo.write(page, '\n'.repeat(14))
    await until('the page has scrolled to the caret', () => page.evaluate(() => document.querySelector('main').scrollTop > 0))
  }
  await page.setViewportSize({ width: 1280, height: 800 })
}

// The bar shows the beginning of a long name in a window of each width, and nothing covers anything else.
scenarios['the bar, in windows of many widths'] = async stage => {
  const ann = await stage.person('Ann')
  await ann.open(demos.prosemirror, { room: `${stage.room}-with-a-name-that-is-longer-than-the-bar-is-wide` })
  await ann.write()
  await ann.saved()
  for (const width of [320, 390, 740, 800, 990, 1000, 1280]) {
    await ann.page.setViewportSize({ width, height: 800 })
    const boxes = await ann.page.locator('.home, .bar h1, #demos a, .bar-state, .bar-actions').evaluateAll(elements => elements.map(element => {
      const { left, right, top, bottom } = element.getBoundingClientRect()
      return { name: element.textContent.trim() || element.className, left, right, top, bottom }
    }))
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(0, i)) {
        hold(`${width} pixels: ${a.name} is beside ${b.name}`, a.left >= b.right || b.left >= a.right || a.top >= b.bottom || b.top >= a.bottom)
      }
    }
    const [name, tab] = [boxes[1], boxes[2]]
    hold(`${width} pixels: the name has ${name.right - name.left}`, name.right - name.left > 40)
    hold(`${width} pixels: the tab is one line, of ${tab.bottom - tab.top}`, tab.bottom - tab.top < 40)
  }
  await ann.page.setViewportSize({ width: 1280, height: 800 })
}

for (const demo of Object.values(demos)) {
  const scenario = (name, play) => { scenarios[`${demo.name}, ${name}`] = play }

  scenario('two at once', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await Promise.all([ann.write(30), bob.write(30)])
    await ann.reads(ann, bob)
    await bob.reads(ann, bob)
    await stage.converge(ann, bob)
    await ann.sees('#people', 'Bob')
    await bob.sees('#people', 'Ann')
    if (demo.carets) {
      await ann.sees('.caret', 'Bob')
      await bob.sees('.caret', 'Ann')
    }
    await ann.server()
  })

  if (demo.carets) {
    scenario('at the caret of another', async stage => {
      const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
      await ann.write()
      await bob.reads(ann)
      await ann.page.keyboard.press('ArrowLeft')
      await ann.page.keyboard.press('ArrowLeft')
      await bob.sees('.caret', 'Ann')
      await named(bob, 'Ann', true)
      await named(bob, 'Ann', false) // it would hide other text
      const { x, y, height } = await bob.page.locator('.caret').boundingBox()
      await bob.page.mouse.move(x, y + height / 2)
      await named(bob, 'Ann', true)
      // A click there is one into the text.
      await bob.page.mouse.down()
      await bob.page.mouse.up()
      await bob.page.keyboard.type('012', { delay: 10 })
      bob.written = '012'
      await bob.page.mouse.move(0, 0)
      await named(bob, 'Ann', false)
      const lines = await stage.converge(ann, bob)
      hold(`Bob wrote where he clicked: ${lines}`, lines.join('') === 'abcd012ef')
    })
  }

  scenario('three, and one leaves', async stage => {
    const people = await stage.meet(demo, 'Ann', 'Bob', 'Cem')
    const [ann, bob, cem] = people
    await Promise.all(people.map(person => person.write(15)))
    for (const person of people) {
      await person.reads(...people)
      for (const { name } of people) await person.sees('#people', name)
    }
    await stage.converge(...people)
    await cem.leave()
    for (const person of [ann, bob]) await person.misses('#people', 'Cem')
    await bob.write()
    await ann.reads(...people)
  })

  scenario('undo', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await ann.write()
    await bob.reads(ann)
    await bob.write()
    await ann.reads(ann, bob)
    const { written } = ann
    await ann.undo()
    hold('Ann has undone what she wrote', ann.written === '')
    await bob.reads(ann, bob)
    await ann.redo(written)
    await bob.reads(ann, bob)
    await bob.undo()
    hold('Bob has undone what he wrote', bob.written === '')
    await ann.reads(ann, bob)
    await stage.converge(ann, bob)
  })

  scenario('offline and back', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await ann.write()
    await bob.reads(ann)
    bob.goOffline()
    await bob.sees('#connection', 'offline')
    await bob.write()
    await bob.sees('#saved', 'Not saved: offline')
    await ann.write()
    await ann.saved()
    await bob.reads(bob)
    hold('nothing goes out', bob.own(await ann.lines()) === '')
    hold('nothing comes in', ann.own(await bob.lines()) !== ann.written)
    await bob.comeBack()
    await stage.converge(ann, bob)
    await ann.reads(ann, bob)
  })

  scenario('a connection that hangs', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await bob.remember()
    await bob.stall(true)
    await bob.write()
    await bob.unsaved()
    await ann.write()
    await ann.saved()
    hold('nothing goes out', bob.own(await ann.lines()) === '')
    hold('nothing comes in', ann.own(await bob.lines()) === '')
    hold('and nothing is said to be saved', bob.own(await bob.claimed()) === '')
    await bob.stall(false)
    await stage.converge(ann, bob)
    await ann.reads(ann, bob)
  })

  scenario('reload', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await ann.write()
    await bob.reads(ann)
    await bob.write()
    await ann.reads(bob)
    await ann.saved()
    await ann.reload()
    await ann.reads(ann, bob)
    await ann.saved()
    await ann.sees('#people', 'Ann') // a name is kept
    await ann.write()
    await bob.reads(ann, bob)
    for (const person of [ann, bob]) {
      await person.saved()
      await person.leave()
    }
    const [cem] = await stage.meet(demo, 'Cem')
    await cem.reads(ann, bob)
  })

  scenario('read-only', async stage => {
    const [ann] = await stage.meet(demo, 'Ann')
    await ann.write()
    await ann.saved()
    const bob = await stage.person('Bob')
    await bob.open(demo, { readonly: true })
    await bob.reads(ann)
    await bob.fumble()
    await ann.write()
    await bob.reads(ann, bob)
    await ann.reads(ann, bob)

    const address = bob.sockets.at(-1)
    await stage.trespass(address, demo, '!')
    hold('a read-only connection writes nothing', !(await stage.held(demo)).join('').includes('!'))
    await stage.trespass(address.split('?')[0], demo, '!')
    hold('another does', (await stage.held(demo)).join('').includes('!'))
    await ann.write()
    await bob.reads(ann)
  })

  scenario('killed under them', async stage => {
    const server = await stage.own()
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    const people = [ann, bob]
    for (const person of people) await person.remember()
    for (const moment of ['typing', 'waiting', 'saved']) {
      const writing = Promise.all(people.map(person => person.write(24)))
      if (moment === 'typing') await until('something is there', async () => (await bob.lines()).join('').length > 6)
      if (moment === 'waiting') { // for a server that takes edits, and does not answer
        server.freeze()
        for (const person of people) await person.unsaved()
      }
      if (moment === 'saved') { // the very moment that it says so
        await writing
        await ann.saved()
      }
      for (const person of people) person.away = true
      await server.kill()
      await writing
      for (const person of people) {
        await person.write(3)
        await person.unsaved()
      }

      const left = stage.keep(await server.copy())
      const held = await stage.held(demo, left)
      for (const person of people) {
        const claimed = await person.claimed()
        for (const author of people) {
          hold(`${person.name} was shown as saved ${JSON.stringify(claimed)}, and ${JSON.stringify(held)} is left`, author.own(held).startsWith(author.own(claimed)))
        }
      }
      await server.restart()
      for (const person of people) await person.connected()
      for (const person of people) person.away = false
      await stage.converge(ann, bob)
      await ann.reads(ann, bob)
      // What is claimed is looked at: here it is all that there is.
      for (const person of people) await until('all is claimed', async () => ann.own(await person.claimed()) === ann.written)
    }
  })

  scenario('looks', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await demo.furnish(ann.page)
    await until('Bob sees it', async () => (await bob.lines()).join() === (await ann.lines()).join())
    await demo.add(bob.page, ', and more')
    await until('Ann sees it', async () => (await ann.lines()).some(line => line.endsWith(', and more')))
    await ann.saved()
    await look(stage, ann, demo.name)
    await scroll(ann)
    await ann.page.locator('#server-view').click()
    await look(stage, ann, `${demo.name}, server's view`)
    await bob.open(demo, { readonly: true })
    await until('Bob sees it again', async () => (await bob.lines()).join() === (await ann.lines()).join())
    await look(stage, bob, `${demo.name}, read-only`)
  })

  scenario('keyboard only', async stage => {
    const { page } = await stage.person('Ann').then(ann => ann.open(demo).then(() => ann))
    for (const id of ['name', 'copy-link', 'server-view']) await tabTo(page, id)
    if (await page.locator('#toolbar').count() > 0) await tabTo(page, 'toolbar')
    await tabTo(page, 'editor')
    await leave(page, 'editor')
    await tabTo(page, 'server-view', true)
    await page.keyboard.press('Enter')
    await page.locator('#server-document').waitFor()
    for (let i = 0; i < 5; i++) {
      await page.keyboard.press('Tab')
      hold('the focus stays in the dialog', await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null))
    }
    await page.keyboard.press('Escape')
    await page.locator('#server-document').waitFor({ state: 'hidden' })
    hold('the focus is where it was', await focused(page) === 'server-view')
  })

  scenario('from the start page', async stage => {
    const [ann, bob] = [await stage.person('Ann'), await stage.person('Bob')]
    await ann.show('/')
    await ann.page.locator(`a[href="/new/${demo.name}"]`).click()
    ann.demo = demo
    await ann.connected()
    await ann.write()
    await ann.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await ann.page.locator('#copy-link').click()
    const link = await ann.page.evaluate(() => navigator.clipboard.readText())
    hold(`${link} is the address of the room`, link === ann.page.url() && new RegExp(`/${demo.name}/.+`).test(link))
    bob.demo = demo
    await bob.page.goto(link)
    await bob.connected()
    await bob.reads(ann)
  })
}

// Each editor has its own roots of the room's document, and each page says which of them hold something.
scenarios['which roots the room holds'] = async stage => {
  const [ann, bob] = [await stage.person('Ann'), await stage.person('Bob')]
  await bob.open(demos.board)
  hold('no root holds anything', await bob.page.locator('#demos .holds').count() === 0)
  const labels = []
  for (const demo of [demos.prosemirror, demos.tiptap, demos.codemirror]) {
    const { root, label } = demo
    await ann.open(demo)
    await ann.sees('#roots', `This editor edits the root “${root}” of the room`)
    if (labels.length === 0) await ann.sees('#roots', 'The document holds no other root.')
    await ann.write(1)
    await bob.sees('#roots', `“${root}” (${label})`)
    labels.push(label)
    for (const { page } of [ann, bob]) await until(`${labels} are marked`, async () => (await page.locator('#demos .holds').allInnerTexts()).join() === labels.join())
  }
  await bob.write(1)
  await ann.sees('#roots', 'The document also holds “board” (Board), “default” (TipTap) and “prosemirror” (Text).')
  await bob.sees('#roots', 'This editor edits the roots “board” and “board-columns” of the room')
}

scenarios['the start page looks'] = async stage => {
  const ann = await stage.person('Ann')
  await ann.show('/')
  await look(stage, ann, 'start')
}
