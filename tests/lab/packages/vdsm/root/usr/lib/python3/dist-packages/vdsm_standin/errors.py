"""vdsm's error codes and texts, as its clients see them."""

from __future__ import annotations


class VdsmError(Exception):
    """A failed verb: a number, and the text that goes with it."""

    code = 100
    text = "General Exception"

    def __init__(self, detail: object) -> None:
        plain = type(self) is VdsmError
        super().__init__(str(detail) if plain else f"{self.text}: {detail!r}")


class NoSuchVM(VdsmError):
    code, text = 1, "Virtual machine does not exist"


class VMExists(VdsmError):
    code, text = 4, "Virtual machine already exists"


class CannotCreateVM(VdsmError):
    code, text = 9, "Error creating the requested VM"


class VolumeDoesNotExist(VdsmError):
    code, text = 201, "Volume does not exist"


class VolumeCreationError(VdsmError):
    code, text = 205, "Error creating a new volume"


class VolumeAlreadyExists(VdsmError):
    code, text = 212, "Volume already exists"


class ImagePathError(VdsmError):
    code, text = 254, "Image path does not exist or cannot be accessed/created"


class ImageDoesNotExistInSD(VdsmError):
    code, text = 268, "Image does not exist in domain"


class StorageDomainDoesNotExist(VdsmError):
    code, text = 358, "Storage domain does not exist"


class StorageDomainNotEmpty(VdsmError):
    code, text = 361, "Storage domain is not empty - requires cleaning"


class iSCSILoginError(VdsmError):
    code, text = 465, "Failed to login to iSCSI node"


class iSCSISetupError(VdsmError):
    code, text = 475, "Failed discovery of iSCSI targets"


class PhysDevInitializationError(VdsmError):
    code, text = 506, "Failed to initialize physical device"


class CannotCreateLogicalVolume(VdsmError):
    code, text = 550, "Cannot create Logical Volume"


class InaccessiblePhysDev(VdsmError):
    code, text = 601, "No such device"


class StorageServerAccessPermissionError(VdsmError):
    code = 469
    text = (
        "Permission settings on the specified path do not allow access to the storage."
        " Verify permission settings on the specified storage path."
    )


class MountError(VdsmError):
    code, text = 477, "Problem while trying to mount target"


class InvalidParameter(VdsmError):
    code, text = 1000, "Invalid parameter"


class MethodNotFound(VdsmError):
    code, text = -32601, "The method does not exist / is not available"
