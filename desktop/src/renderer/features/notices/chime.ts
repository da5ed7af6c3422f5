// Short tones, made in code, so that no sound file and its licence are needed.
import type { Level } from './notice';

/** Frequencies in Hz, one after the other: rising for good news, falling for a warning. */
const tones: Record<Level, number[]> = { info: [660], good: [660, 880], warning: [520, 390] };
const toneSeconds = 0.11;
const loudness = 0.08;

let audio: AudioContext | undefined;

/** Plays the tones of a level. Silent where the browser allows no sound yet. */
export function chime(level: Level): void {
  audio ??= new AudioContext();
  if (audio.state === 'suspended') void audio.resume();
  tones[level].forEach((frequency, n) => {
    if (!audio) return;
    const begin = audio.currentTime + n * toneSeconds;
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = frequency;
    // Fade in and out, because an abrupt tone clicks.
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(loudness, begin + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, begin + toneSeconds);
    tone.connect(gain).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + toneSeconds);
  });
}
