// Carets of others: names and colours.

import * as demos from './demos.mjs'
import { named } from './looks.mjs'
import { hold, until } from './until.mjs'

export const carets = {}

const wide = 'A name of forty letters, which is wide 40'

// The colour of an element as a custom property has it.
const colour = locator => locator.evaluate(element => element.style.getPropertyValue('--person'))
const inList = (person, name) => colour(person.page.locator('#people li', { hasText: name }))

// What the carets and selections of others look like to a person.
const marks = async ({ page }) => ({
  names: await page.locator('.caret-name').allTextContents(),
  carets: await page.locator('.caret').evaluateAll(all => all.map(one => one.style.getPropertyValue('--person'))),
  selections: await page.locator('.selection').evaluateAll(all => [...new Set(all.map(one => one.style.getPropertyValue('--person')))])
})

async function rename ({ page }, name) {
  await page.locator('#name').fill(name)
  await page.locator('#name').blur()
}

for (const demo of Object.values(demos).filter(({ carets }) => carets)) {
  const scenario = (name, play) => { carets[`${demo.name}, ${name}`] = play }

  scenario('a caret follows its user', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await bob.write()
    await ann.reads(bob)
    await bob.page.keyboard.press('Shift+Home')
    const shows = async name => {
      let found
      await until(() => `Ann sees ${name} at what is selected: ${JSON.stringify(found)}`, async () => {
        found = { ...await marks(ann), people: await inList(ann, name) }
        return found.names.join() === name && found.carets.join() === found.people && found.selections.join() === found.people
      })
      return found.people
    }
    const before = await shows('Bob')
    for (const name of ['Dora', 'Emil', 'Finn']) {
      // Without leaving the selection: the field for the name would take the focus.
      await bob.page.locator('#name').evaluate((field, name) => {
        field.value = name
        for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind))
      }, name)
      await shows(name)
    }
    await bob.page.locator('#name').evaluate(field => {
      field.value = 'Bob'
      for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind))
    })
    hold('the colour belongs to the name', await shows('Bob') === before)
  })

  scenario('a name at the edge', async stage => {
    const [ann, bob] = await stage.meet(demo, 'Ann', 'Bob')
    await ann.page.setViewportSize({ width: 390, height: 844 })
    await rename(bob, wide)
    await bob.page.locator('#editor').click()
    for (let letters = 0; letters < 36; letters += 9) {
      await bob.page.keyboard.type('mmmmmmmmm')
      const label = await named(ann, wide.slice(0, 40), true)
      let box
      await until(() => `the name is on the page: ${JSON.stringify(box)}`, async () => {
        box = await label.boundingBox()
        return box && box.x >= 0 && box.x + box.width <= 390
      })
      if (letters === 27) await stage.picture(ann, `${demo.name}, a name at the edge`)
    }
    hold('nothing is to be scrolled', await ann.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth))
    // A pointer that stays where it is doesn't keep the name.
    const { x, y, height } = await ann.page.locator('.caret').boundingBox()
    await named(ann, wide.slice(0, 40), false)
    await ann.page.mouse.move(x, y + height / 2)
    await named(ann, wide.slice(0, 40), true)
    await named(ann, wide.slice(0, 40), false)
    await ann.page.setViewportSize({ width: 1280, height: 800 })
  })
}

// A newcomer takes a free colour, and the others keep theirs.
carets['colours in a room'] = async stage => {
  const [ann, bob, cem] = [await stage.person('Ann'), await stage.person('Bob'), await stage.person('Cem')]
  await ann.open(demos.prosemirror)
  await rename(ann, 'Same')
  const first = await inList(ann, 'Same (you)')
  for (const person of [bob, cem]) {
    await person.open(demos.codemirror)
    await rename(person, 'Same')
  }
  const all = () => ann.page.locator('#people li').evaluateAll(all => all.map(one => one.style.getPropertyValue('--person')))
  const settled = async () => {
    let found
    await until(() => `three have three colours: ${found}`, async () => new Set(found = await all()).size === 3)
    hold(`Ann keeps hers: ${first}, ${found}`, found[0] === first)
  }
  await settled()
  // With other client ids, and at other pages.
  for (let times = 0; times < 3; times++) {
    for (const person of [bob, cem]) {
      const mine = await inList(person, 'Same (you)')
      await person.reload()
      await settled()
      await until(`${person.name} has the same colour after a reload`, async () => await inList(person, 'Same (you)') === mine)
    }
  }
  const mine = await inList(bob, 'Same (you)')
  for (const demo of Object.values(demos)) {
    await bob.open(demo)
    await settled()
    await until(`Bob has the same colour at ${demo.name}`, async () => await inList(bob, 'Same (you)') === mine)
  }
}
