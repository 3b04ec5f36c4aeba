/**
 * Holds a virtual screen, a window manager, a D-Bus session and an unlocked keyring for as long as standard input is open.
 * A process of its own, so that they end with the runner even when that is killed outright.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const SCREEN = '1440x900x24'
const KILL_AFTER_MS = 1500
const children = []
const folder = await mkdtemp(path.join(tmpdir(), 'tunesmith-screen-'))
let ending = false

async function end(code) {
  if (ending) return
  ending = true
  const alive = children.filter((child) => child.exitCode === null && child.signalCode === null)
  const gone = Promise.all(alive.map((child) => new Promise((resolve) => child.once('exit', resolve))))
  for (const child of alive.reverse()) child.kill('SIGTERM')
  const timer = setTimeout(() => alive.forEach((child) => child.kill('SIGKILL')), KILL_AFTER_MS)
  await gone
  clearTimeout(timer)
  await rm(folder, { recursive: true, force: true })
  process.exit(code)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  void end(1)
}

function start(name, args, { env, stdio }) {
  const child = spawn(name, args, { env, stdio })
  children.push(child)
  child.once('error', (error) => fail(`${name}: ${error.message}`))
  child.once('exit', (code) => {
    if (!ending) fail(`${name} ended with code ${code}`)
  })
  return child
}

/** The first line that a child writes to one of its descriptors. */
function firstLine(stream) {
  return new Promise((resolve) => {
    let text = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
  })
}

/** No service folders: nothing else of the machine may be woken up on this bus and outlive it. */
const BUS_CONFIG = (socket) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

async function startScreen(base) {
  const server = start('Xvfb', ['-displayfd', '3', '-screen', '0', SCREEN, '-nolisten', 'tcp', '-noreset'], {
    env: base,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  return `:${await firstLine(server.stdio[3])}`
}

async function startBus(base) {
  const config = path.join(folder, 'bus.conf')
  await writeFile(config, BUS_CONFIG(path.join(folder, 'run', 'bus')))
  const bus = start('dbus-daemon', [`--config-file=${config}`, '--nofork', '--nopidfile', '--print-address=3'], {
    env: base,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  return firstLine(bus.stdio[3])
}

/** Tells whether somebody answers on the bus for `name`. */
function hasOwner(env, name) {
  const call = ['--session', '--print-reply', '--dest=org.freedesktop.DBus', '/org/freedesktop/DBus']
  const child = spawn('dbus-send', [...call, 'org.freedesktop.DBus.NameHasOwner', `string:${name}`], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let answer = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk
  })
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('close', () => resolve(answer.includes('boolean true')))
  })
}

async function startKeyring(env) {
  const data = path.join(folder, 'data')
  await mkdir(data, { recursive: true })
  const keyring = start('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    // XDG_DATA_HOME: its own folder, so that the user's real keyring is never opened.
    env: { ...env, XDG_DATA_HOME: data },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  keyring.stdin.end('tunesmith-private')
  while (!(await hasOwner(env, 'org.freedesktop.secrets'))) {
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

process.stdin.resume()
process.stdin.once('end', () => void end(0))
process.stdin.once('error', () => void end(0))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end(0))

const runtime = path.join(folder, 'run')
await mkdir(runtime, { mode: 0o700 })
const base = { ...process.env, XDG_RUNTIME_DIR: runtime }
delete base.WAYLAND_DISPLAY
delete base.DBUS_SESSION_BUS_ADDRESS
const [display, address] = await Promise.all([startScreen(base), startBus(base)])
const env = { ...base, DISPLAY: display, DBUS_SESSION_BUS_ADDRESS: address }
start('openbox', ['--sm-disable'], { env, stdio: 'ignore' })
await startKeyring(env)
process.stdout.write(
  `${JSON.stringify({ DISPLAY: display, DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: runtime, WAYLAND_DISPLAY: '', XDG_SESSION_TYPE: 'x11', GDK_BACKEND: 'x11' })}\n`,
)
