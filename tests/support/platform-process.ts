import { startTestPlatform } from './local-platform.ts'

// A platform in a process of its own, so that a test can kill it as a crash would.
const { baseUrl, token } = await startTestPlatform({ root: process.argv[2] ?? '' })
process.stdout.write(`${JSON.stringify({ baseUrl, token })}\n`)
