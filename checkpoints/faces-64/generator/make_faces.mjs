// Cartoon faces for training: DiceBear's style "ToonHead" (artwork: Johan Melin, CC BY 4.0), drawn at random, one face
// per seed, as raw RGB bytes. The same seed is the same picture, bit for bit.
//
//   node make_faces.mjs FIRST_SEED COUNT OUT.raw [OUT.jsonl]
//
// OUT.raw holds COUNT pictures of SIZE x SIZE x 3 bytes; OUT.jsonl, if asked for, a line of attributes per picture.
import { createAvatar } from '@dicebear/core';
import * as toonHead from '@dicebear/toon-head';
import { Resvg } from '@resvg/resvg-js';
import { createHash } from 'node:crypto';
import fs from 'node:fs';

const SIZE = 64; // side of a picture in pixels
const SUPERSAMPLE = 4; // drawn at this multiple of SIZE and averaged down: smooth edges, no ringing
const PICTURE_BYTES = SIZE * SIZE * 3;

const SKIN = ['ffdfc9', 'f5c3a0', 'dea077', 'b97650', '8a5236', '653c2a'];
const HAIR = ['17120f', '3b2418', '6b3f22', 'a8672f', 'd9a441', 'f0d38a'];

// ---- Chance

/**
 * Uniform numbers in [0, 1) that depend on the seed alone: SHA-256 of seed and counter, four bytes a number.
 * DiceBear's own generator is not used, since its neighbouring seeds share their hair.
 */
function randomStream(seed) {
  let block;
  let counter = 0;
  let position = Infinity;
  return () => {
    if (position >= 32) {
      block = createHash('sha256').update(`toonHead:${seed}:${counter++}`).digest();
      position = 0;
    }
    const value = block.readUInt32LE(position) / 2 ** 32;
    position += 4;
    return value;
  };
}

/** One key of `weights`, with a chance in proportion to its value; takes one number from the stream. */
function pick(random, weights) {
  const entries = Object.entries(weights);
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
  let rest = total * random();
  for (const [key, weight] of entries) {
    rest -= weight;
    if (rest < 0) return key;
  }
  return entries.at(-1)[0];
}

// ---- Colours: six hexadecimal digits, from continuous ranges where DiceBear has small palettes

function toHex(level) {
  const byte = Math.max(0, Math.min(255, Math.round(level)));
  return byte.toString(16).padStart(2, '0');
}

const fromHex = (colour) => [0, 2, 4].map((i) => parseInt(colour.slice(i, i + 2), 16));

/** Hue in degrees, saturation and lightness in 0..1. */
function hsl(hue, saturation, lightness) {
  const amplitude = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return 255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return toHex(channel(0)) + toHex(channel(8)) + toHex(channel(4));
}

/** The colour at `position` in 0..1 on the straight lines from stop to stop. */
function ramp(stops, position) {
  const x = position * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(x));
  const from = fromHex(stops[i]);
  const to = fromHex(stops[i + 1]);
  return from.map((level, c) => toHex(level + (to[c] - level) * (x - i))).join('');
}

/** Mostly natural hair, some grey, and a third dyed in any hue. */
function drawHairColour(random) {
  const [kind, a, b, c] = [random(), random(), random(), random()];
  if (kind < 0.6) return ramp(HAIR, a);
  if (kind < 0.67) return hsl(0, 0, 0.74 + 0.2 * a);
  return hsl(360 * a, 0.6 + 0.3 * b, 0.42 + 0.18 * c);
}

const drawPastel = (random) => hsl(360 * random(), 0.5 + 0.4 * random(), 0.78 + 0.1 * random());
const drawStrong = (random) => hsl(360 * random(), 0.6 + 0.3 * random(), 0.42 + 0.18 * random());

// ---- Faces

/**
 * Everything that makes up one face. The order of the entries is the order in which numbers are taken from the stream:
 * another order gives other pictures.
 */
function drawAttributes(random) {
  const hairColor = drawHairColour(random);
  const hair = pick(random, { sideComed: 1, undercut: 1, spiky: 1, bun: 1 });
  const hasRearHair = random() < 0.5;
  const hasBeard = random() < 0.16 && hair !== 'bun' && !hasRearHair;
  return {
    backgroundColor: drawPastel(random),
    skinColor: ramp(SKIN, random()),
    hairColor,
    clothesColor: drawStrong(random),
    hair,
    hairProbability: 100,
    rearHair: pick(random, { longStraight: 1, longWavy: 1, shoulderHigh: 1, neckHigh: 1 }),
    rearHairProbability: hasRearHair ? 100 : 0,
    eyes: pick(random, { happy: 40, wide: 36, wink: 10, bow: 8, humble: 6 }),
    eyebrows: pick(random, { raised: 2, happy: 3, neutral: 3, sad: 1, angry: 1 }),
    mouth: pick(random, { laugh: 46, smile: 26, agape: 14, sad: 7, angry: 7 }),
    clothes: pick(random, { turtleNeck: 1, openJacket: 1, dress: 1, shirt: 1, tShirt: 1 }),
    beard: pick(random, { moustacheTwirl: 1, fullBeard: 2, chinMoustache: 1, longBeard: 1 }),
    beardProbability: hasBeard ? 100 : 0,
    scale: 120, // crops to the head
    translateY: 4,
  };
}

/** DiceBear takes a list to choose from for every part and colour; here the choice is made already. */
function toOptions(attributes) {
  const listed = Object.entries(attributes).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]);
  return Object.fromEntries(listed);
}

/**
 * resvg 2.6.2 ignores style="mask-type:alpha" and masks by luminance, so that mouths vanish. Where a mask is painted
 * white, luminance and alpha are the same.
 */
function whitenAlphaMasks(svg) {
  const alphaMask = /<mask[^>]*mask-type:\s*alpha[^>]*>[\s\S]*?<\/mask>/g;
  return svg.replace(alphaMask, (mask) => mask.replace(/fill="(?!none)[^"]*"/g, 'fill="#fff"'));
}

/** RGBA bytes of a picture of SIZE * SUPERSAMPLE pixels a side. */
function render(svg, background) {
  const side = SIZE * SUPERSAMPLE;
  const picture = new Resvg(svg, {
    fitTo: { mode: 'width', value: side },
    background: `#${background}`,
    font: { loadSystemFonts: false },
  }).render();
  if (picture.width !== side || picture.height !== side) {
    throw new Error(`expected ${side}x${side} pixels, got ${picture.width}x${picture.height}`);
  }
  return picture.pixels;
}

/** RGBA of SIZE * SUPERSAMPLE a side -> RGB of SIZE a side: means of blocks, rounded. */
function downsample(rgba) {
  const side = SIZE * SUPERSAMPLE;
  const rgb = Buffer.alloc(PICTURE_BYTES);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      const sum = [0, 0, 0];
      for (let dy = 0; dy < SUPERSAMPLE; dy++) {
        const row = (y * SUPERSAMPLE + dy) * side + x * SUPERSAMPLE;
        for (let dx = 0; dx < SUPERSAMPLE; dx++) {
          for (let c = 0; c < 3; c++) sum[c] += rgba[(row + dx) * 4 + c];
        }
      }
      for (let c = 0; c < 3; c++) rgb[(y * SIZE + x) * 3 + c] = Math.floor(sum[c] / SUPERSAMPLE ** 2 + 0.5);
    }
  }
  return rgb;
}

// ---- Command line

/** A whole number of at least `least`, or a line of usage and the end. */
function wholeNumber(text, least) {
  if (!/^\d+$/.test(text ?? '') || Number(text) < least) {
    console.error('usage: node make_faces.mjs FIRST_SEED COUNT OUT.raw [OUT.jsonl]');
    process.exit(2);
  }
  return Number(text);
}

const [firstSeedText, countText, rawPath, attributesPath] = process.argv.slice(2);
const firstSeed = wholeNumber(firstSeedText, 0);
const count = wholeNumber(rawPath ? countText : undefined, 1);

const rawFile = fs.openSync(rawPath, 'w');
const lines = [];
for (let seed = firstSeed; seed < firstSeed + count; seed++) {
  const attributes = drawAttributes(randomStream(seed));
  const svg = createAvatar(toonHead, { seed: String(seed), ...toOptions(attributes) }).toString();
  fs.writeSync(rawFile, downsample(render(whitenAlphaMasks(svg), attributes.backgroundColor)));
  lines.push(JSON.stringify({ seed, ...attributes }) + '\n');

  const done = seed - firstSeed + 1;
  if (done % 1000 === 0 || done === count) console.log(`${done} of ${count} faces`);
}
fs.closeSync(rawFile);
if (attributesPath) fs.writeFileSync(attributesPath, lines.join(''));
