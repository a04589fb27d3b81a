import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MIB = 1_048_576;

/** A disk for one test, with a file system on it. */
export interface Disk {
  /** The mount point. */
  readonly directory: string;
  remove(): void;
}

/** A disk whose power can be cut. */
export interface CuttableDisk extends Disk {
  /** No later write reaches the disk. Data that was not flushed is lost when the disk is mounted again. */
  cutPower(): void;
  /** Mounts the disk as after a reboot. No process may have files open on it. */
  mountAgain(): void;
}

/** The reason why this machine cannot mount disks for tests; `null` if it can. */
export function diskSkipReason(): string | null {
  if (process.getuid?.() !== 0) return "only root may mount a file system";
  try {
    memoryDisk(1).remove();
    return null;
  } catch (cause) {
    return `no file system can be mounted: ${String(cause)}`;
  }
}

/** The reason why this machine cannot simulate a power cut; `null` if it can. */
export function powerCutSkipReason(): string | null {
  const reason = diskSkipReason();
  if (reason !== null) return reason;
  if (cutter() === undefined) return "python3 or perl is needed to call ioctl";
  try {
    cuttableDisk(16).remove();
    return null;
  } catch (cause) {
    return `no ext4 image can be mounted: ${String(cause)}`;
  }
}

/** A small disk in memory (tmpfs) with a limited number of inodes. */
export function memoryDisk(mebibytes: number, inodes = 100_000): Disk {
  return mounted((directory) => {
    run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m,nr_inodes=${inodes}`, "tmpfs", directory);
  });
}

/** An ext4 file system in a file. It flushes nothing by itself for ten minutes. */
export function cuttableDisk(mebibytes: number): CuttableDisk {
  const parent = mkdtempSync(join(tmpdir(), "quire-image-"));
  let image = join(parent, "0");
  let mounts = 0;
  const mount = (directory: string) => run("mount", "-o", "loop,commit=600", image, directory);
  try {
    closeSync(openSync(image, "w"));
    truncateSync(image, mebibytes * MIB);
    run("mkfs.ext4", "-q", "-F", image);
    const disk = mounted(mount);
    return {
      directory: disk.directory,
      cutPower: () => cutter()?.(disk.directory),
      mountAgain: () => {
        run("umount", disk.directory);
        // A mount namespace that was created in the meantime, for example by a container, still holds the file system that was
        // shut down. The kernel would return that file system for a second mount of the same file, so a copy is mounted.
        const copy = join(parent, String(++mounts));
        run("cp", "--sparse=always", image, copy);
        rmSync(image);
        image = copy;
        mount(disk.directory);
      },
      remove: () => {
        disk.remove();
        rmSync(parent, { recursive: true });
      },
    };
  } catch (cause) {
    rmSync(parent, { recursive: true });
    throw cause;
  }
}

function mounted(mount: (directory: string) => void): Disk {
  const directory = mkdtempSync(join(tmpdir(), "quire-disk-"));
  try {
    mount(directory);
  } catch (cause) {
    rmSync(directory, { recursive: true });
    throw cause;
  }
  const remove = () => {
    // Lazy, because a test that timed out can leave a process with open files on the disk.
    run("umount", "--lazy", directory);
    rmSync(directory, { recursive: true });
  };
  return { directory, remove };
}

function run(command: string, ...options: readonly string[]): void {
  execFileSync(command, options, { stdio: ["ignore", "ignore", "pipe"] });
}

/**
 * Calls EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH (Linux, fs/ext4/ext4.h). It shuts the file system down immediately
 * and does not flush the journal. Node has no ioctl, so another program calls it.
 */
function cutter(): ((directory: string) => void) | undefined {
  const programs: readonly (readonly [command: string, option: string, program: string])[] = [
    [
      "python3",
      "-c",
      "import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', 2))",
    ],
    ["perl", "-e", 'open(my $directory, "<", $ARGV[0]) and ioctl($directory, 0x8004587D, pack("L", 2)) or die $!'],
  ];
  const program = programs.find(([command]) => spawnSync(command, ["--version"]).status === 0);
  if (program === undefined) return undefined;
  const [command, option, text] = program;
  return (directory) => run(command, option, text, directory);
}

/** A file that fills a disk. */
export interface Ballast {
  /** Writes until at most this number of bytes is free. */
  fillUntil(freeBytes: number): void;
  /** Frees the space again. */
  drop(): void;
}

export function ballastOn(directory: string): Ballast {
  const path = join(directory, "ballast");
  const drop = () => rmSync(path, { force: true });
  const fillUntil = (freeBytes: number) => {
    const descriptor = openSync(path, "a");
    try {
      for (let isFull = false; !isFull;) {
        const surplus = freeBytesOn(directory) - freeBytes;
        if (surplus <= 0) return;
        try {
          writeSync(descriptor, Buffer.alloc(Math.min(surplus, MIB)));
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
          isFull = true;
        }
      }
    } finally {
      closeSync(descriptor);
    }
  };
  return { fillUntil, drop };
}

export function freeBytesOn(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Empty files that take all inodes of a disk. */
export function inodesOn(directory: string) {
  const folder = join(directory, "empty");
  return {
    takeAll: () => {
      mkdirSync(folder);
      try {
        for (let number = 0; ; number++) closeSync(openSync(join(folder, String(number)), "w"));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
      }
    },
    giveBack: () => rmSync(folder, { recursive: true }),
  };
}
