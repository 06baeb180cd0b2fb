// usip Olimex ESP32-PoE: what MicroPython's default for the chip lacks.
#define MICROPY_HW_BOARD_NAME "usip Olimex ESP32-PoE"
#define MICROPY_HW_MCU_NAME "ESP32"

// A read-only file system in a partition of its own: our code runs from there, outside the heap.
#define MICROPY_VFS_ROM (1)
#define MICROPY_VFS_ROM_IOCTL (1)
