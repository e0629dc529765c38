/** `--device`: where the heavy work of a command runs. */
import type { Device } from '@attensor/native';
import { Option } from 'commander';
import { AttensorError } from '@attensor/core';
import type { Output } from './output.js';

export function deviceOption(): Option {
  return new Option('--device <where>', 'GPU (cuda), CPU, or a GPU if there is one (auto)')
    .choices(['auto', 'cpu', 'cuda'] satisfies Device[])
    .env('ATTENSOR_DEVICE');
}

/** Tells the native part; a GPU that was asked for and is not there is an error before the work starts. */
export async function chooseDevice(device: Device, output: Output): Promise<void> {
  const { engine } = await import('@attensor/native');
  engine.setDevice(device === 'cpu' ? 'cpu' : 'auto');
  const { kind, name, reason } = engine.device();
  if (kind === 'cuda') output.log(`device: ${name ?? ''}`);
  if (device !== 'cuda') return;
  if (kind === 'cpu') {
    throw new AttensorError({
      code: 'DEVICE_MISSING',
      what: 'there is no GPU that can be used',
      where: '--device cuda',
      expected: 'an NVIDIA GPU, its driver, and the library that `npm run build:cuda` makes',
      got: reason,
      hint: 'Check the driver with `nvidia-smi` and build the library, or omit --device',
    });
  }
  engine.setDevice('cuda');
}
