import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cachedFolder } from '../dev-cache.mjs'
import { fetchNpmPackage } from '../npm-package.mjs'
import { runCommand } from '../run-command.mjs'
import { stepError } from '../step-error.mjs'
import { nodeApiLevel } from '../versions.mjs'

const PREBUILT_LEVEL = 10
const HEADERS = {
  spec: 'node-api-headers@1.5.0',
  integrity: 'sha512-Yi/FgnN8IU/Cd6KeLxyHkylBUvDTsSScT0Tna2zTrz8klmc8qF2ppj6Q1LHsmOueJWhigQwR4cO2p0XBGW5IaQ==',
  bytes: 16_717,
}

/** The quoted preprocessor definitions of a .gypi file. */
export function readDefines(gypi) {
  return [...gypi.matchAll(/^\s*'([A-Z][A-Z0-9_]*(?:=[^']*)?)',?\s*$/gm)].map((match) => match[1])
}

/**
 * What lets the addon load on a Node-API 9 host, where its own NAPI_VERSION=10 would crash: it declares itself experimental,
 * which such hosts accept. The number is NAPI_VERSION_EXPERIMENTAL, since npm's headers leave NAPI_EXPERIMENTAL out.
 */
export const ADDON_DEFINES = [
  'NAPI_VERSION=2147483647',
  'NODE_API_EXPERIMENTAL_NOGC_ENV_OPT_OUT',
  'NAPI_DISABLE_CPP_EXCEPTIONS',
  'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
  'BUILDING_NODE_EXTENSION',
]

// Also left out of npm's headers. Without it finalizers would run inside the garbage collector, where an experimental addon may not.
const POST_FINALIZER = `#include <node_api.h>
#define NODE_API_EXPERIMENTAL_HAS_POST_FINALIZER
EXTERN_C_START
NAPI_EXTERN napi_status NAPI_CDECL node_api_post_finalizer(
    node_api_nogc_env env, napi_finalize finalize_cb, void* finalize_data, void* finalize_hint);
EXTERN_C_END
`

const asFlags = (defines) => defines.map((define) => `-D${define}`)

async function compile(command, args, cwd) {
  const { code, tail } = await runCommand(command, args, { cwd })
  if (code === 0) return
  const missing = code === 127
  throw stepError(
    missing
      ? `${command} is needed to build better-sqlite3; install it (Debian: apt-get install g++) and run the same command again.`
      : `Building better-sqlite3 failed in ${command}: ${tail.find((text) => /error/i.test(text)) ?? tail.at(-1) ?? 'no reason given'}`,
  )
}

/**
 * Compiled by hand rather than by node-gyp, which wants a full set of Node headers and a download for them:
 * a Node-API addon needs nothing but the headers that npm hosts.
 */
async function build(root, folder, report) {
  const work = path.join(folder, 'work')
  const source = path.join(work, 'better-sqlite3')
  const headers = path.join(work, 'headers')
  await mkdir(work, { recursive: true })
  await cp(path.join(root, 'node_modules', 'better-sqlite3'), source, { recursive: true, dereference: true })
  await fetchNpmPackage(HEADERS, headers, report)
  report('compiling from source, about 90 s on two cores')

  const sqlite = path.join(source, 'deps', 'sqlite3')
  const defines = readDefines(await readFile(path.join(source, 'deps', 'defines.gypi'), 'utf8'))
  if (!defines.includes('SQLITE_ENABLE_COLUMN_METADATA')) {
    throw stepError('better-sqlite3 keeps its SQLite options somewhere new; adapt scripts/steps/sqlite-binding.mjs to this version.')
  }
  const common = ['-fPIC', '-pthread', '-O2', '-DNDEBUG', '-D_FILE_OFFSET_BITS=64', ...asFlags(defines)]
  const includes = [path.join(headers, 'include'), path.join(root, 'node_modules', 'node-addon-api'), sqlite].map(
    (folderName) => `-I${folderName}`,
  )
  const cplusplus = [
    '-std=c++20',
    '-fno-exceptions',
    '-fno-rtti',
    '-fno-strict-aliasing',
    '-fvisibility=hidden',
    '-fvisibility-inlines-hidden',
    '-include',
    'post-finalizer.h',
  ]
  await writeFile(path.join(work, 'post-finalizer.h'), POST_FINALIZER)
  await Promise.all([
    compile('gcc', ['-std=c99', '-w', ...common, '-c', path.join(sqlite, 'sqlite3.c'), '-o', 'sqlite3.o'], work),
    compile(
      'g++',
      [
        ...cplusplus,
        '-w',
        ...common,
        ...asFlags(ADDON_DEFINES),
        ...includes,
        '-c',
        path.join(source, 'src', 'better_sqlite3.cpp'),
        '-o',
        'addon.o',
      ],
      work,
    ),
  ])
  const link = ['-shared', '-pthread', '-Wl,-Bsymbolic', '-Wl,--exclude-libs,ALL', '-o', path.join(folder, 'better_sqlite3.node')]
  await compile('g++', [...link, 'addon.o', 'sqlite3.o', '-ldl'], work)
  await rm(work, { recursive: true, force: true })
}

/** Builds better-sqlite3 for a runtime whose Node-API is older than its prebuilt binaries; resolves to the file, if one is needed. */
export async function buildSqliteBinding({ root, cache, lines, nodeEnv }, electron) {
  const level = electron.nodeVersion === undefined ? PREBUILT_LEVEL : nodeApiLevel(electron.nodeVersion)
  return lines.step('better-sqlite3', async (report) => {
    const { version } = JSON.parse(await readFile(path.join(root, 'node_modules', 'better-sqlite3', 'package.json'), 'utf8'))
    if (level >= PREBUILT_LEVEL) return { summary: `${version} prebuilt`, value: undefined }
    const { folder, built } = await cachedFolder(
      cache,
      `better-sqlite3-${version}-napi${level}`,
      (target) => build(root, target, report),
      () => report('waiting for another set-up'),
    )
    const file = path.join(folder, 'better_sqlite3.node')
    if (built) await checkLoads(root, nodeEnv, file)
    return { summary: `${version} for Node-API ${level} (${built ? 'built' : 'ready'})`, value: file }
  })
}

async function checkLoads(root, nodeEnv, file) {
  const script = `const D=require('better-sqlite3');const d=new D(':memory:',{nativeBinding:process.argv[1]});if(d.prepare('select 1 a').get().a!==1)process.exit(1)`
  const { code } = await runCommand('node', ['-e', script, file], { cwd: root, env: nodeEnv })
  if (code === 0) return
  await rm(path.dirname(file), { recursive: true, force: true })
  throw stepError(
    'The better-sqlite3 that was just built does not load; run the same command again, and if it stays so look at scripts/steps/sqlite-binding.mjs.',
  )
}
