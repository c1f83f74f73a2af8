#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make coads_sst.npy again, from the file in Debian's package ferret-datasets.

    apt-get download ferret-datasets && dpkg-deb -x ferret-datasets_*.deb ferret
    pip install numpy scipy
    ./make_coads.py ferret/usr/share/ferret-vis/data/coads_climatology.cdf coads_sst.npy
"""
import sys

import numpy as np
from scipy.io import netcdf_file


def main(source, target):
    with netcdf_file(source, mmap=False) as climatology:
        variable = climatology.variables["SST"]
        field = variable[:].astype("<f4")
        field[field == np.float32(variable.missing_value)] = np.nan
    assert field.shape == (12, 90, 180) and np.nanmin(field) > -5 and np.nanmax(field) < 40
    np.save(target, field)


if __name__ == "__main__":
    main(*sys.argv[1:])
